// SPDX-License-Identifier: GPL-2.0
// The helper program, as a user runs it.
#pragma once

#include <string>

namespace guest {

struct Ran {
    int status; // exit status; -1: it died
    std::string out, err;

    bool printed(const std::string &text) const { return out.find(text) != std::string::npos; }
    bool said(const std::string &text) const { return err.find(text) != std::string::npos; }
};

// Runs "qmapctl ARGUMENTS" in a shell.
Ran qmapctl(const std::string &arguments);
// Of a failed expectation.
std::ostream &operator<<(std::ostream &out, const Ran &ran);

// libqmi's qmi-proxy lives on for a while; it has the control node open as long as somebody uses
// it.
bool is_open_somewhere(const std::string &path);

} // namespace guest
