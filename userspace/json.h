// SPDX-License-Identifier: GPL-2.0
#pragma once

// What --json prints, as Documentation/qmapctl.schema.json describes it.

#include "kernel.h"

#include <nlohmann/json.hpp>

using Json = nlohmann::ordered_json;

Json to_json(const Module &module);
Json to_json(const Pdn &pdn);
Json to_json(const Counters &counters);
Json to_json(const Event &event);

// The text or number, or null.
Json or_null(const std::string &text);
template <typename T> Json or_null(const std::optional<T> &value) {
    return value ? Json(*value) : Json();
}

// ASCII only, with a newline at the end. As many lines as it takes, or one.
std::string pretty(const Json &json);
std::string one_line(const Json &json);
