// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <tl/expected.hpp>

// Why something could not be done: one line that names the thing, the reason and, where there is
// one, the remedy. Printed once, in run_cli().
struct Error {
    std::string message;
    int code = 0;       // errno that the kernel gave; 0 if none did
    bool usage = false; // what was asked for makes no sense: exit status 2 instead of 1
};

template <typename T> using Result = tl::expected<T, Error>;
using Status = Result<void>;

inline tl::unexpected<Error> failure(std::string message, int code = 0) {
    return tl::unexpected(Error{std::move(message), code});
}

inline tl::unexpected<Error> usage_error(std::string message) {
    return tl::unexpected(Error{std::move(message), 0, true});
}
