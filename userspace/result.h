// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>
#include <tl/expected.hpp>

// Why something could not be done: one line that names the thing, the reason and, where there is
// one, the remedy. Printed once, in main.
struct Error {
    std::string message;
    int code = 0; // errno that the kernel gave; 0 if none did
};

template <typename T> using Result = tl::expected<T, Error>;
using Status = Result<void>;
