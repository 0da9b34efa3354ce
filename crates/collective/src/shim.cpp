// A C interface to the few things of libtorch's c10d that the crate needs. See `ffi/c10d.rs` for the other side.
//
// Every function that can fail returns null or a message (malloc'd, freed by `collective_free`): no C++ exception leaves this file.
// Tensors come as tch's own `at::Tensor*`, borrowed for the call; what outlives the call takes a reference of its own.

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <c10/util/Logging.h>
#include <torch/csrc/autograd/function_hook.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include "guard.h"

using std::chrono::milliseconds;

namespace {

// Several lines: where NCCL failed stands in the first, why in the next.
template <typename Body>
char* caught(Body&& body) noexcept {
  return guarded(body, true);
}

struct Store {
  c10::intrusive_ptr<c10d::Store> keys;  // under the prefix
};

struct Group {
  c10::intrusive_ptr<c10d::Backend> backend;
  bool on_cuda;
};

struct Work {
  c10::intrusive_ptr<c10d::Work> work;
  bool on_cuda;
};

// Calls back when a parameter's gradient has been accumulated; owns `context`.
struct GradHook : torch::autograd::PostAccumulateGradHook {
  using Call = void (*)(void* context, size_t index, const at::Tensor* gradient);
  using Drop = void (*)(void* context);

  GradHook(Call call, Drop drop, void* context, size_t index) : call_(call), drop_(drop), context_(context), index_(index) {}
  ~GradHook() override { drop_(context_); }
  GradHook(const GradHook&) = delete;
  GradHook& operator=(const GradHook&) = delete;

  void operator()(const at::Tensor& parameter) override {
    const at::Tensor& gradient = parameter.grad();
    if (gradient.defined()) call_(context_, index_, &gradient);
  }

 private:
  Call call_;
  Drop drop_;
  void* context_;
  size_t index_;
};

}  // namespace

extern "C" {

void collective_free(char* text) { std::free(text); }

// Opens the store at host:port as its server or a client; keys get `prefix`.
char* collective_store_open(
    const char* host, uint16_t port, bool serve, const char* prefix, int64_t timeout_ms, Store** out) {
  return caught([&] {
    // c10d writes pages of C++ frames to stderr for what comes back as an error here anyway.
    if (!std::getenv("TORCH_CPP_LOG_LEVEL")) FLAGS_caffe2_log_level = c10::GLOG_FATAL;
    c10d::TCPStoreOptions options;
    options.port = port;
    options.isServer = serve;
    options.waitWorkers = false;  // Group::connect counts them itself, to name who is missing
    options.timeout = milliseconds(timeout_ms);
    auto store = c10::make_intrusive<c10d::TCPStore>(host, options);
    *out = new Store{c10::make_intrusive<c10d::PrefixStore>(prefix, std::move(store))};
  });
}

void collective_store_close(Store* store) { caught([&] { delete store; }); }

char* collective_store_set(Store* store, const char* key, const uint8_t* value, size_t length) {
  return caught([&] { store->keys->set(key, std::vector<uint8_t>(value, value + length)); });
}

char* collective_store_add(Store* store, const char* key, int64_t value, int64_t* out) {
  return caught([&] { *out = store->keys->add(key, value); });
}

// Whether the key is there. Does not wait.
char* collective_store_check(Store* store, const char* key, bool* out) {
  return caught([&] { *out = store->keys->check({key}); });
}

// The value of a key, passed to `take`. Waits for the key up to the store's timeout.
char* collective_store_get(
    Store* store, const char* key, void (*take)(void* to, const uint8_t* value, size_t length), void* to) {
  return caught([&] {
    const auto value = store->keys->get(key);
    take(to, value.data(), value.size());
  });
}

// The values of `count` keys in one round trip, passed to `take` in order.
char* collective_store_get_many(
    Store* store, const char* const* keys, size_t count, void (*take)(void* to, const uint8_t* value, size_t length),
    void* to) {
  return caught([&] {
    const std::vector<std::string> names(keys, keys + count);
    for (const auto& value : store->keys->multiGet(names)) take(to, value.data(), value.size());
  });
}

// Sets the key if it is not there yet.
char* collective_store_set_once(Store* store, const char* key, const uint8_t* value, size_t length) {
  return caught([&] { store->keys->compareSet(key, {}, std::vector<uint8_t>(value, value + length)); });
}

// Connects every rank with every other. `host` is the local name or address that gloo binds to, empty for c10d's own choice.
char* collective_group_open(
    Store* store, bool nccl, int rank, int size, const char* host, int64_t timeout_ms, Group** out) {
  return caught([&] {
    if (nccl) {
#ifdef USE_C10D_NCCL
      auto options = c10d::ProcessGroupNCCL::Options::create();
      options->timeout = milliseconds(timeout_ms);
      *out = new Group{c10::make_intrusive<c10d::ProcessGroupNCCL>(store->keys, rank, size, options), true};
      return;
#else
      throw std::runtime_error("built without NCCL");
#endif
    }
    const milliseconds timeout(timeout_ms);
    auto options = *host ? c10d::ProcessGroupGloo::Options::create(timeout)
                         : c10d::ProcessGroupGloo::Options::create_default(timeout);
    if (*host) options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(host));
    *out = new Group{c10::make_intrusive<c10d::ProcessGroupGloo>(store->keys, rank, size, options), false};
  });
}

// Takes the group down: waits for what is still under way, at most the group's timeout.
void collective_group_close(Group* group) { caught([&] { delete group; }); }

// Tells the ranks' connections to break where the backend can (NCCL); gloo cannot.
void collective_group_abort(Group* group) {
  if (group->on_cuda) caught([&] { group->backend->abort(); });
}

char* collective_all_reduce(Group* group, const at::Tensor* tensor, Work** out) {
  return caught([&] {
    std::vector<at::Tensor> tensors{*tensor};
    *out = new Work{group->backend->allreduce(tensors), group->on_cuda};
  });
}

char* collective_broadcast(Group* group, const at::Tensor* tensor, int root, Work** out) {
  return caught([&] {
    std::vector<at::Tensor> tensors{*tensor};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    *out = new Work{group->backend->broadcast(tensors, options), group->on_cuda};
  });
}

// `whole` holds as many `part`s as there are ranks.
char* collective_all_gather(Group* group, const at::Tensor* whole, const at::Tensor* part, Work** out) {
  return caught([&] {
    at::Tensor output = *whole;
    at::Tensor input = *part;
    *out = new Work{group->backend->_allgather_base(output, input), group->on_cuda};
  });
}

// Waits up to `timeout_ms`: 0 not yet, 1 done, 2 failed with `*error`.
int collective_work_wait(Work* work, int64_t timeout_ms, char** error) {
  bool done = false;
  *error = caught([&] {
    if (work->on_cuda) {
      // WorkNCCL::wait with a timeout would abort the communicator; polling leaves the verdict to the caller.
      const auto end = std::chrono::steady_clock::now() + milliseconds(timeout_ms);
      while (!work->work->isCompleted()) {
        if (std::chrono::steady_clock::now() >= end) return;
        std::this_thread::sleep_for(std::chrono::microseconds(50));
      }
      done = work->work->wait();
      return;
    }
    try {
      done = work->work->wait(milliseconds(timeout_ms));
    } catch (...) {
      // The base class throws both when the time is up and when the work failed, and the work may have ended since.
      if (!work->work->isCompleted()) return;
      if (auto failure = work->work->exception()) std::rethrow_exception(failure);
      done = true;
    }
  });
  return *error ? 2 : done ? 1 : 0;
}

void collective_work_free(Work* work) { caught([&] { delete work; }); }

// Calls `call(context, index, gradient)` whenever the leaf's gradient has been accumulated; `drop(context)` when the hook goes,
// also when this fails. One such hook a tensor: a former one is replaced.
char* collective_on_gradient(
    const at::Tensor* leaf, GradHook::Call call, GradHook::Drop drop, void* context, size_t index) {
  return caught([&] {
    auto hook = std::make_unique<GradHook>(call, drop, context, index);
    TORCH_CHECK(leaf->requires_grad() && leaf->is_leaf(), "not a leaf that requires a gradient");
    torch::autograd::impl::set_post_acc_grad_hooks(*leaf, std::move(hook));
  });
}

void collective_no_gradient_hook(const at::Tensor* leaf) {
  caught([&] { torch::autograd::impl::set_post_acc_grad_hooks(*leaf, nullptr); });
}

}  // extern "C"
