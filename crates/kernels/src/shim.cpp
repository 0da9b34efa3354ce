// What tch lacks of libtorch. Every function returns null, or an error message to be freed by `osteon_free`; no exception leaves.

#include <ATen/Parallel.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/torch.h>

#include "guard.h"

namespace {

using at::Tensor;

std::vector<Tensor> list(Tensor *const *tensors, int64_t count) {
  std::vector<Tensor> all;
  all.reserve(count);
  for (int64_t i = 0; i < count; i++)
    all.push_back(*tensors[i]);
  return all;
}

std::optional<Tensor> maybe(const Tensor *tensor) {
  return tensor ? std::optional<Tensor>(*tensor) : std::nullopt;
}

// Fills `grads` (inputs.size() slots, null for none) from the gradient of the output; returns null or a message by malloc.
using Backward = char *(*)(void *context, const Tensor *grad, Tensor **grads);
using Drop = void (*)(void *context);

struct Callback {
  void *context;
  Drop drop;
  Callback(void *context, Drop drop) : context(context), drop(drop) {}
  Callback(const Callback &) = delete;
  ~Callback() { drop(context); }
};

// A node of the autograd graph whose backward pass is a closure of the caller's.
struct ClosureNode : public torch::autograd::Node {
  std::unique_ptr<Callback> callback;
  Backward backward = nullptr;
  size_t inputs = 0;

  torch::autograd::variable_list apply(torch::autograd::variable_list &&grads) override {
    TORCH_CHECK(callback, "the backward pass was already run and its tensors freed");
    torch::autograd::variable_list result(inputs);
    if (!grads[0].defined())
      return result;
    at::NoGradGuard no_grad;
    std::vector<Tensor *> raw(inputs, nullptr);
    char *message = backward(callback->context, &grads[0], raw.data());
    for (size_t i = 0; i < inputs; i++) {
      if (raw[i]) {
        result[i] = *raw[i];
        delete raw[i];
      }
    }
    if (message) {
      const std::string text(message);
      std::free(message);
      throw std::runtime_error(text);
    }
    return result;
  }

  void release_variables() override { callback.reset(); }

  std::string name() const override { return "OsteonClosure"; }
};

} // namespace

extern "C" {

void osteon_free(char *message) { std::free(message); }

// A message that `guarded` callers free: for callbacks, which must not use another allocator.
char *osteon_message(const char *bytes, size_t length) {
  char *copy = static_cast<char *>(std::malloc(length + 1));
  if (copy) {
    std::memcpy(copy, bytes, length);
    copy[length] = 0;
  }
  return copy;
}

char *osteon_fused_adam(Tensor *const *params, Tensor *const *grads, Tensor *const *exp_avgs,
                        Tensor *const *exp_avg_sqs, Tensor *const *steps, int64_t count, double lr,
                        double beta1, double beta2, double weight_decay, double eps, bool decoupled,
                        const Tensor *grad_scale, const Tensor *found_inf) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    auto p = list(params, count), g = list(grads, count), m = list(exp_avgs, count),
         v = list(exp_avg_sqs, count), s = list(steps, count);
    if (decoupled)
      at::_fused_adamw_(p, g, m, v, {}, s, lr, beta1, beta2, weight_decay, eps, false, false,
                        maybe(grad_scale), maybe(found_inf));
    else
      at::_fused_adam_(p, g, m, v, {}, s, lr, beta1, beta2, weight_decay, eps, false, false,
                       maybe(grad_scale), maybe(found_inf));
  });
}

char *osteon_fused_sgd(Tensor *const *params, Tensor *const *grads, Tensor *const *momenta,
                       int64_t count, double lr, double weight_decay, double momentum,
                       double dampening, bool nesterov, bool first, const Tensor *grad_scale,
                       const Tensor *found_inf) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    auto p = list(params, count), g = list(grads, count);
    auto b = momenta ? list(momenta, count) : std::vector<Tensor>();
    at::_fused_sgd_(p, g, b, weight_decay, momentum, lr, dampening, nesterov, false, first,
                    maybe(grad_scale), maybe(found_inf));
  });
}

char *osteon_unscale(Tensor *const *grads, int64_t count, Tensor *found_inf,
                     const Tensor *inv_scale) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    at::_amp_foreach_non_finite_check_and_unscale_(list(grads, count), *found_inf, *inv_scale);
  });
}

char *osteon_update_scale(Tensor *scale, Tensor *growth, const Tensor *found_inf,
                          double growth_factor, double backoff_factor, int64_t growth_interval) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    at::_amp_update_scale_(*scale, *growth, *found_inf, growth_factor, backoff_factor,
                           growth_interval);
  });
}

char *osteon_clip_grad_norm(Tensor *const *grads, int64_t count, double max_norm, Tensor **norm) {
  return guarded([&] {
    at::NoGradGuard no_grad;
    auto all = list(grads, count);
    TORCH_CHECK(count > 0, "clip_grad_norm: no gradients");
    auto norms = at::_foreach_norm(all, 2);
    auto total = at::linalg_vector_norm(at::stack(norms), 2);
    // As torch.nn.utils.clip_grad_norm_: no look at the value, so no wait for the device.
    auto factor = at::clamp_max(max_norm / (total + 1e-6), 1.0);
    at::_foreach_mul_(all, factor);
    *norm = new Tensor(total);
  });
}

char *osteon_clear_grads(Tensor *const *params, int64_t count) {
  return guarded([&] {
    for (int64_t i = 0; i < count; i++)
      params[i]->mutable_grad().reset();
  });
}

// Takes over `context` whatever happens.
char *osteon_with_backward(Tensor *output, Tensor *const *inputs, int64_t count, void *context,
                           Backward backward, Drop drop) {
  return guarded([&] {
    auto callback = std::make_unique<Callback>(context, drop);
    auto all = list(inputs, count);
    bool wanted = false;
    for (const auto &input : all)
      wanted |= input.defined() && input.requires_grad();
    if (!wanted || !at::GradMode::is_enabled())
      return;
    TORCH_CHECK(!output->requires_grad(),
                "with_backward: the output already belongs to an autograd graph");
    std::shared_ptr<ClosureNode> node(new ClosureNode(), torch::autograd::deleteNode);
    node->callback = std::move(callback);
    node->backward = backward;
    node->inputs = count;
    node->set_next_edges(torch::autograd::collect_next_edges(all));
    torch::autograd::set_history(*output, node);
  });
}

// Calls `work(context, part)` for every part on libtorch's own threads. `work` must not throw.
char *osteon_parallel(int64_t parts, void *context, void (*work)(void *context, int64_t part)) {
  return guarded([&] {
    at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
      for (int64_t part = begin; part < end; part++)
        work(context, part);
    });
  });
}

// Only algorithms that give the same bits each time; an operation that has none fails and says so.
char *osteon_set_deterministic(bool wanted) {
  return guarded([&] {
    auto &context = at::globalContext();
    context.setDeterministicAlgorithms(wanted, false);
    context.setDeterministicCuDNN(wanted);
    context.setBenchmarkCuDNN(!wanted);
  });
}

int64_t osteon_in_parallel_region() { return at::in_parallel_region(); }
}
