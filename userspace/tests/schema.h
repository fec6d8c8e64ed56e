// SPDX-License-Identifier: GPL-2.0
#pragma once

#include <string>

// Why a JSON text is not what Documentation/qmapctl.schema.json says of that definition; empty if
// it is.
std::string violation(const std::string &text, const std::string &definition);
