#pragma once
// Stand-in, see README.md: held behind a shared_ptr only.
namespace gloo::transport {
class Device;
}
