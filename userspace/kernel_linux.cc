// SPDX-License-Identifier: GPL-2.0
#include "kernel_linux.h"

#include "ethtool.h"
#include "netlink_genl.h"
#include "other_drivers.h"
#include "rtnetlink.h"
#include "sysfs.h"

#include <algorithm>
#include <fmt/format.h>
#include <thread>

std::vector<Module> merge(std::vector<Module> found, std::vector<Module> told) {
    for (Module &module : told) {
        const auto same = std::ranges::find(found, module.usb_path, &Module::usb_path);
        if (same == found.end()) {
            found.push_back(std::move(module));
            continue;
        }
        // Netlink tells all of that at one moment.
        same->netdev = std::move(module.netdev);
        same->ifindex = module.ifindex;
        same->q = std::move(module.q);
        same->files = {};
        same->pdns = std::move(module.pdns);
    }
    std::ranges::stable_sort(found, {}, &Module::usb_path);
    return found;
}

Result<std::vector<Module>> LinuxKernel::modules() {
    Result<std::vector<Module>> told = genl::modules();
    if (!told)
        return told;
    std::vector<Module> modules = merge(Sysfs().modules(), *std::move(told));
    if (const Status done = read_links(modules); !done)
        return tl::unexpected(done.error());
    return modules;
}

Result<std::map<std::string, uint64_t>> LinuxKernel::counters(const Module &module) {
    return ethtool_counters(module.netdev);
}

Status LinuxKernel::set_mode(const Module &module, uint32_t mode) {
    return genl::set_mode(module, mode);
}

Status LinuxKernel::set_format(const Module &module, const WdaFormat &agreed) {
    if (module.q)
        return genl::set_format(module, agreed);
    if (module.files.qmap_mode)
        return tell_vendors_driver(module, agreed);
    if (module.files.raw_ip)
        return tell_in_tree_driver(module, agreed);
    return failure(fmt::format("{} can't be told a data format: load qmi_wwan_q instead of its "
                               "driver {}",
                               module.netdev, module.driver));
}

Status LinuxKernel::set_link(const Module &module, uint32_t mux_id, bool up) {
    return genl::set_link(module, mux_id, up);
}

Result<Pdn> LinuxKernel::add_mux(const Module &module, uint32_t mux_id) {
    return genl::add_mux(module, mux_id);
}

Status LinuxKernel::delete_mux(const Module &module, uint32_t mux_id) {
    return genl::delete_mux(module, mux_id);
}

Status LinuxKernel::monitor(const std::function<bool(const Event &)> &on_event) {
    return genl::monitor(on_event);
}

Kernel::Clock::time_point LinuxKernel::now() {
    return Clock::now();
}

void LinuxKernel::sleep(Clock::duration time) {
    std::this_thread::sleep_for(time);
}
