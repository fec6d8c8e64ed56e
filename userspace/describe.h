// SPDX-License-Identifier: GPL-2.0
#pragma once

// What is known of a module in words, and what follows from it.

#include "kernel.h"

#include <optional>
#include <string>
#include <vector>

const char *describe(NetworkCard card); // "mbim"
const char *describe(Event::Kind kind); // "mux-added"

// "wwan0 (Quectel EC25)": how messages name a module.
std::string name_of(const Module &module);

// qmap_mode, if the driver has such a thing.
std::optional<uint32_t> mode_of(const Module &module);
// As the driver has them; nullopt if it does not tell.
std::optional<std::string> link_protocol_of(const Module &module); // "raw-ip"
std::optional<std::string> aggregation_of(const Module &module);   // "qmapv5"

// PDN n has mux id 0x80 + n in 1 to 8; nullopt for other mux ids. Without mux ids the PDN is 1.
std::optional<uint32_t> number_of(const Pdn &pdn);
// "0x81"; "-" without QMAP.
std::string mux_id_text(uint32_t mux_id);

// Why the module can't be used as it is, with the remedy: a sentence each.
std::vector<std::string> problems_of(const Module &module);
