// No exception leaves C++: functions return null, or an error message that whoever calls frees by `free`. For every crate with a shim.
#pragma once

#include <c10/util/Exception.h>

#include <cstdlib>
#include <cstring>
#include <exception>

// The first line, behind which libtorch's C++ frames may follow; or all of it, where a message shows source text over several lines.
inline char *keep(const char *message, bool whole) {
  const char *end = whole ? nullptr : std::strchr(message, '\n');
  const size_t length = end ? end - message : std::strlen(message);
  char *copy = static_cast<char *>(std::malloc(length + 1));
  if (copy) {
    std::memcpy(copy, message, length);
    copy[length] = 0;
  }
  return copy;
}

template <class F> char *guarded(F work, bool whole = false) noexcept {
  try {
    work();
    return nullptr;
  } catch (const c10::Error &error) {
    return keep(error.what_without_backtrace(), whole);
  } catch (const std::exception &error) {
    return keep(error.what(), whole);
  } catch (...) {
    return keep("an unknown C++ exception", whole);
  }
}
