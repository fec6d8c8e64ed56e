// SPDX-License-Identifier: GPL-2.0
#pragma once

// How drivers that have no netlink are told of a data format.

#include "../driver/uapi/linux/qmi_wwan_q.h"
#include "module.h"
#include "result.h"

#include <filesystem>

// The in-tree qmi_wwan: framing in a file, and the size of its URBs by the master's MTU.
Status tell_in_tree_driver(const Module &module, const WdaFormat &agreed,
                           const std::filesystem::path &sysfs = "/sys");

// The vendor's qmi_wwan_q, by ioctl.
Status tell_vendors_driver(const Module &module, const WdaFormat &agreed);
qmi_wwan_q_format vendors_format(const Module &module, const WdaFormat &agreed);
