// SPDX-License-Identifier: GPL-2.0
// The helper program, as a user runs it.
#pragma once

#include "../modem/file_descriptor.h"
#include "host.h"

#include <optional>
#include <string>
#include <sys/types.h>

namespace guest {

struct Ran {
    int status;           // exit status; 128 + n: signal n ended it
    std::string out, err; // without the end of the last line

    bool printed(const std::string &text) const { return out.find(text) != std::string::npos; }
    bool said(const std::string &text) const { return err.find(text) != std::string::npos; }
};

constexpr uid_t root = 0, nobody = 65534;

// "qmapctl ARGUMENTS", in a shell, while the test goes on.
class Running {
  public:
    explicit Running(const std::string &arguments, uid_t user = root);
    ~Running(); // kills it
    Running(const Running &) = delete;
    Running &operator=(const Running &) = delete;

    // The next line that it prints, once that is whole; nullopt after the time-out.
    std::optional<std::string> line(std::chrono::milliseconds timeout = patience);
    // Waits until events of the driver reach it.
    bool listens() const;
    void send_signal(int number);
    // Waits for its end; what was not had as lines is in 'out'.
    Ran finish();

  private:
    bool has_ended();

    pid_t pid_;
    vmodem::FileDescriptor out_, err_;
    std::string unread_;
    size_t read_ = 0;
    std::optional<int> status_;
};

Ran qmapctl(const std::string &arguments, uid_t user = root);
// Of a failed expectation.
std::ostream &operator<<(std::ostream &out, const Ran &ran);

// libqmi's qmi-proxy lives on for a while; it has the control node open as long as somebody uses
// it.
bool is_open_somewhere(const std::string &path);

} // namespace guest
