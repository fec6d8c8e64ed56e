// SPDX-License-Identifier: GPL-2.0
#include "select.h"

#include "describe.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace {

// Every name under which a user may know the module.
std::vector<std::string> names_of(const Module &module) {
    std::vector<std::string> names{module.usb_path,
                                   module.usb_path.substr(0, module.usb_path.find(':'))};
    if (!module.netdev.empty())
        names.push_back(module.netdev);
    if (!module.control.empty()) {
        names.push_back(module.control);
        names.push_back(module.control.substr(module.control.rfind('/') + 1));
    }
    for (const Pdn &pdn : module.pdns)
        names.push_back(pdn.netdev);
    return names;
}

std::string list_of(const std::vector<const Module *> &modules) {
    std::vector<std::string> names;
    for (const Module *module : modules)
        names.push_back(name_of(*module));
    return fmt::format("{}", fmt::join(names, ", "));
}

// The modules of which one name at least satisfies `matches`.
template <typename Predicate>
std::vector<const Module *> matching(const std::vector<Module> &modules, Predicate matches) {
    std::vector<const Module *> found;
    for (const Module &module : modules)
        if (std::ranges::any_of(names_of(module), matches))
            found.push_back(&module);
    return found;
}

} // namespace

Result<Module> select_module(Kernel &kernel, const std::string &device) {
    const Result<std::vector<Module>> modules = kernel.modules();
    if (!modules)
        return tl::unexpected(modules.error());
    if (modules->empty())
        return failure("no module found on this machine: see 'lsusb'");

    std::vector<const Module *> found =
        matching(*modules, [&](const std::string &name) { return name == device; });
    if (found.empty())
        found =
            matching(*modules, [&](const std::string &name) { return name.starts_with(device); });
    if (found.size() == 1)
        return *found.front();
    if (found.empty()) {
        found = matching(*modules, [](const std::string &) { return true; });
        return usage_error(fmt::format("no module is '{}'; there is {}", device, list_of(found)));
    }
    if (device.empty())
        return usage_error(fmt::format("which module? Name one by -d: {}", list_of(found)));
    return usage_error(fmt::format("'{}' may be any of {}", device, list_of(found)));
}

Result<Module> select_settable(Kernel &kernel, const std::string &device) {
    Result<Module> module = select_module(kernel, device);
    if (!module || module->q)
        return module;
    if (module->driver.empty())
        return failure(fmt::format("{} has no driver: see 'qmapctl status'", name_of(*module)));
    if (module->driver == "qmi_wwan_q")
        return failure(fmt::format("{} is driven by the vendor's qmi_wwan_q, which can't be set by "
                                   "netlink: load this project's driver of that name instead",
                                   name_of(*module)));
    return failure(fmt::format("{} is driven by {}, which can't be set: load qmi_wwan_q instead",
                               name_of(*module), module->driver));
}

Result<Module> select_with_control(Kernel &kernel, const std::string &device) {
    Result<Module> module = select_module(kernel, device);
    if (module && module->control.starts_with("/dev/qcqmi"))
        return failure(fmt::format("{} is driven by {}, which agrees the data format itself and "
                                   "whose control node has a protocol of its own",
                                   name_of(*module), module->driver));
    if (!module || !module->control.empty())
        return module;
    const std::vector<std::string> problems = problems_of(*module);
    return failure(
        fmt::format("{} has no control node to ask it through: {}", name_of(*module),
                    problems.empty() ? "is the module cdc_wdm loaded?" : problems.front()));
}
