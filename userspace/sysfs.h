// SPDX-License-Identifier: GPL-2.0
#pragma once

#include "module.h"

#include <filesystem>
#include <string>
#include <vector>

// What sysfs tells of modules: USB devices, their drivers, netdevs and control nodes, and what
// drivers without netlink have in files of their own.
class Sysfs {
  public:
    explicit Sysfs(std::filesystem::path root = "/sys") : root_(std::move(root)) {}

    // Every module, in order of USB path. What can't be read is left out; text is clean.
    std::vector<Module> modules() const;

  private:
    struct Interface;
    struct Device;

    std::vector<Device> devices() const;
    Interface interface(const std::string &name) const;
    std::vector<Module> modules_of(const Device &device) const;
    Module module_at(const Device &device, const Interface *at, NetworkCard card) const;
    void read_netdev(Module &module) const;
    std::vector<Pdn> pdns_of(const Module &module) const;
    std::vector<Pdn> uppers_of(const std::string &master) const;
    Pdn pdn(const std::string &netdev, uint32_t mux_id) const;

    std::filesystem::path net(const std::string &netdev) const {
        return root_ / "class/net" / netdev;
    }

    std::filesystem::path root_;
};
