// SPDX-License-Identifier: GPL-2.0
#pragma once

// The driver's generic netlink family, as driver/uapi/linux/qmi_wwan_q.h describes it, by
// libnl-genl.

#include "kernel.h"

struct nlmsghdr;

namespace genl {

// Modules that our qmi_wwan_q drives; none if it is not loaded.
Result<std::vector<Module>> modules();

// As Kernel has them.
Status set_mode(const Module &module, uint32_t mode);
Status set_format(const Module &module, const WdaFormat &agreed);
Status set_link(const Module &module, uint32_t mux_id, bool up);
Result<Pdn> add_mux(const Module &module, uint32_t mux_id);
Status delete_mux(const Module &module, uint32_t mux_id);
Status monitor(const std::function<bool(const Event &)> &on_event);

// What a message tells; nullopt if it is not well formed. Its length is within its buffer.
std::optional<Module> parse_module(const nlmsghdr &message);
std::optional<Event> parse_event(const nlmsghdr &message);
// The kernel's own words in an error message; empty if it has none.
std::string parse_reason(const nlmsghdr &message);

} // namespace genl
