// TorchScript modules made from source text and named tensors. Errors as in shim.cpp.

#include <ATen/ops/empty.h>
#include <torch/csrc/jit/api/module.h>

#include <cstring>
#include <map>
#include <sstream>
#include <string>

#include "guard.h"

namespace {

using at::Tensor;
using torch::jit::CompilationUnit;
using torch::jit::Module;

// The parts of a module: what its tensors' names have before and after their dots.
struct Parts {
  struct Own {
    std::string name;
    Tensor tensor;
    bool buffer;
  };
  std::map<std::string, Parts> children;
  std::vector<Own> own;

  void add(const std::string &name, const Tensor &tensor, bool buffer) {
    const auto dot = name.find('.');
    if (dot == std::string::npos)
      own.push_back({name, tensor, buffer});
    else
      children[name.substr(0, dot)].add(name.substr(dot + 1), tensor, buffer);
  }

  Module build(const std::string &type, const std::shared_ptr<CompilationUnit> &unit) const {
    Module module(c10::QualifiedName(type), unit, true);
    for (const auto &[name, child] : children)
      module.register_module(name, child.build(type + "_" + name, unit));
    for (const auto &[name, tensor, buffer] : own)
      module.register_parameter(name, tensor, buffer);
    return module;
  }
};

} // namespace

extern "C" {

// `type` is the module's qualified name; `module` gets the archive's bytes.
char *osteon_script(const char *type, const char *source, const char *const *names,
                    Tensor *const *tensors, const bool *buffers, int64_t count,
                    const char *const *file_names, const char *const *files, int64_t file_count,
                    Tensor **module) noexcept {
  return guarded([&] {
    Parts parts;
    for (int64_t i = 0; i < count; i++)
      parts.add(names[i], *tensors[i], buffers[i]);
    auto root = parts.build(type, std::make_shared<CompilationUnit>());
    root.define(source);
    root.eval();
    torch::jit::ExtraFilesMap extra;
    for (int64_t i = 0; i < file_count; i++)
      extra[file_names[i]] = files[i];
    std::ostringstream out;
    root.save(out, extra);
    const std::string bytes = out.str();
    auto copy = at::empty({static_cast<int64_t>(bytes.size())}, at::kByte);
    std::memcpy(copy.data_ptr(), bytes.data(), bytes.size());
    *module = new Tensor(copy);
  }, true);
}
}
