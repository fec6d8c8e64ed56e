// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "result.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

// Text that is safe on a terminal: what is not UTF-8, and what a terminal or a reader could take
// for something else (control characters, marks of writing direction, invisible ones), becomes a
// question mark; white space at both ends goes.
std::string clean(std::string_view text);

// "1.2 MiB".
std::string human_bytes(double bytes);

// A number in any base, as the user or a file has it, and nothing else.
std::optional<uint64_t> parse_number(std::string_view text);
// An argument that must be a number: "'9' is no qmap_mode: a number from 0 to 8".
Result<uint32_t> parse_argument(const std::string &text, const std::string &what, uint32_t least,
                                uint32_t most);

// Columns, as wide as what is in them.
class Table {
  public:
    explicit Table(std::vector<std::string> header) { add(std::move(header)); }
    void add(std::vector<std::string> row);
    // Each line begins with `indent`.
    std::string text(std::string_view indent = "") const;

  private:
    std::vector<std::vector<std::string>> rows_;
};
