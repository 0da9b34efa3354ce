#pragma once
// Stand-in, see README.md.
#include <chrono>

namespace gloo {

namespace transport {
class UnboundBuffer;
}

// Named by the inline `ProcessGroupGloo::setTimeout`, which the shim must not call.
class Context {
 public:
  void setTimeout(std::chrono::milliseconds timeout);
};

}  // namespace gloo
