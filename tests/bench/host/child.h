// SPDX-License-Identifier: GPL-2.0
// A program in a process group of its own, which does not outlive this process, and its output.
#pragma once

#include "../../modem/file_descriptor.h"

#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

namespace bench {

// There may be one at a time.
class Child {
  public:
    // Throws std::system_error.
    explicit Child(const std::vector<std::string> &command);
    ~Child(); // ends it
    Child(const Child &) = delete;
    Child &operator=(const Child &) = delete;

    // Of standard output and error; nullopt at the end.
    std::optional<std::string> line();
    // Waits for its end.
    bool succeeded();

  private:
    pid_t process_ = 0;
    vmodem::FileDescriptor output_;
    std::string buffer_;
};

} // namespace bench
