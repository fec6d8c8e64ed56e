// SPDX-License-Identifier: GPL-2.0
#include "sysfs.h"

#include "file_descriptor.h"
#include "text.h"
#include "usb_ids.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>

namespace fs = std::filesystem;

struct Sysfs::Interface {
    std::string name; // "1-1:1.4"
    uint8_t number = 0;
    uint8_t usb_class = 0, subclass = 0, protocol = 0;
    unsigned endpoints = 0;
    std::string driver;               // empty: none
    std::vector<std::string> netdevs; // in order of name
    std::string control;              // "/dev/cdc-wdm0"; empty: none
};

struct Sysfs::Device {
    std::string name; // "1-1"
    uint16_t vendor = 0, product = 0;
    std::vector<Interface> interfaces;
};

namespace {

// Files of sysfs are no longer than a page.
constexpr size_t longest_file = 4096;
// Names that a module tells of itself: what USB has room for.
constexpr size_t longest_name = size_t{126} * 3;

constexpr uint32_t first_mux_id = 0x81;
constexpr uint32_t most_pdns = 8;

// Empty if it can't be read.
std::string read(const fs::path &path) {
    const FileDescriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    std::array<char, longest_file> buffer;
    const ssize_t length = fd ? ::read(fd.get(), buffer.data(), buffer.size()) : -1;
    return length > 0 ? std::string(buffer.data(), length) : "";
}

std::string read_text(const fs::path &path) {
    return clean(read(path).substr(0, longest_name));
}

// Most files have decimal numbers; `base` is for those that have others without saying so.
std::optional<uint32_t> read_number(const fs::path &path, uint32_t most = UINT32_MAX,
                                    bool hexadecimal = false) {
    std::string text = read(path);
    text.resize(text.find_last_not_of(" \n") + 1);
    const std::optional<uint64_t> number = parse_number(hexadecimal ? "0x" + text : text);
    if (!number || *number > most)
        return std::nullopt;
    return *number;
}

// Names in a directory, in order; none if it can't be read.
std::vector<std::string> list(const fs::path &path) {
    std::vector<std::string> names;
    std::error_code error;
    for (fs::directory_iterator entry(path, error), end; !error && entry != end;
         entry.increment(error))
        names.push_back(entry->path().filename());
    std::ranges::sort(names);
    return names;
}

// Name of what a link points to; empty if there is none.
std::string target(const fs::path &link) {
    std::error_code error;
    return fs::read_symlink(link, error).filename();
}

// Drivers whose interfaces carry QMI, under the names that they have had.
bool is_qmi_driver(const std::string &driver) {
    return driver.starts_with("qmi_wwan") || driver == "GobiNet" || driver == "gobinet";
}

} // namespace

Sysfs::Interface Sysfs::interface(const std::string &name) const {
    const fs::path path = root_ / "bus/usb/devices" / name;
    const auto byte = [&](const char *file) {
        return read_number(path / file, 0xff, true).value_or(0);
    };
    Interface interface;
    interface.name = name;
    interface.number = byte("bInterfaceNumber");
    interface.usb_class = byte("bInterfaceClass");
    interface.subclass = byte("bInterfaceSubClass");
    interface.protocol = byte("bInterfaceProtocol");
    interface.endpoints = byte("bNumEndpoints");
    interface.driver = target(path / "driver");
    interface.netdevs = list(path / "net");
    for (const char *kind : {"usbmisc", "GobiQMI"})
        for (const std::string &node : list(path / kind))
            if (interface.control.empty())
                interface.control = "/dev/" + node;
    return interface;
}

std::vector<Sysfs::Device> Sysfs::devices() const {
    std::map<std::string, Device> devices;
    std::vector<std::string> interfaces;
    for (const std::string &name : list(root_ / "bus/usb/devices")) {
        if (name.find(':') != std::string::npos) {
            interfaces.push_back(name);
            continue;
        }
        const fs::path path = root_ / "bus/usb/devices" / name;
        const auto vendor = read_number(path / "idVendor", 0xffff, true);
        const auto product = read_number(path / "idProduct", 0xffff, true);
        if (vendor && product)
            devices[name] = {name, uint16_t(*vendor), uint16_t(*product), {}};
    }
    for (const std::string &name : interfaces)
        if (const auto device = devices.find(name.substr(0, name.find(':')));
            device != devices.end())
            device->second.interfaces.push_back(interface(name));

    std::vector<Device> list;
    for (auto &[name, device] : devices)
        list.push_back(std::move(device));
    return list;
}

namespace {

// What the interface's class says; none if nothing.
NetworkCard card_of(uint8_t usb_class, uint8_t subclass, uint8_t protocol) {
    struct Code {
        uint8_t usb_class, subclass;
        int protocol; // -1: any
        NetworkCard card;
    };
    constexpr Code codes[] = {
        {0x02, 0x06, -1, NetworkCard::ecm},     {0x02, 0x0d, -1, NetworkCard::ncm},
        {0x02, 0x0e, -1, NetworkCard::mbim},    {0x02, 0x02, 0xff, NetworkCard::rndis},
        {0xe0, 0x01, 0x03, NetworkCard::rndis}, {0xef, 0x04, 0x01, NetworkCard::rndis},
    };
    for (const Code &code : codes)
        if (code.usb_class == usb_class && code.subclass == subclass &&
            (code.protocol < 0 || code.protocol == protocol))
            return code.card;
    return NetworkCard::none;
}

constexpr uint8_t vendor_specific = 0xff;

} // namespace

std::vector<Module> Sysfs::modules_of(const Device &device) const {
    std::vector<Module> modules;
    // What a QMI driver has is a module, whoever made it. Of an interface that is in two parts it
    // has both, of which one is empty.
    for (const Interface &interface : device.interfaces)
        if (is_qmi_driver(interface.driver) &&
            (!interface.netdevs.empty() || !interface.control.empty()))
            modules.push_back(module_at(device, &interface, NetworkCard::qmi));
    if (!modules.empty() || !is_module_vendor(device.vendor))
        return modules;

    const auto known = known_qmi_interface(device.vendor, device.product);
    for (const Interface &interface : device.interfaces)
        if (interface.usb_class == vendor_specific && interface.number == known)
            return {module_at(device, &interface, NetworkCard::qmi)};
    for (const Interface &interface : device.interfaces) {
        const NetworkCard card =
            card_of(interface.usb_class, interface.subclass, interface.protocol);
        // Telephones that share their connection have Qualcomm's id too.
        const bool telephone = device.vendor == usb_vendor::qualcomm && card == NetworkCard::rndis;
        if (card != NetworkCard::none && !telephone)
            return {module_at(device, &interface, card)};
    }
    if (device.vendor == usb_vendor::qualcomm)
        return {};
    // A module that the driver does not know by its id.
    for (const Interface &interface : device.interfaces)
        if (interface.usb_class == vendor_specific && interface.subclass == vendor_specific &&
            interface.protocol == vendor_specific && interface.endpoints == 3)
            return {module_at(device, &interface, NetworkCard::qmi)};
    if (device.vendor == usb_vendor::quectel)
        return {module_at(device, nullptr, NetworkCard::none)};
    return {};
}

Module Sysfs::module_at(const Device &device, const Interface *at, NetworkCard card) const {
    const fs::path path = root_ / "bus/usb/devices" / device.name;
    Module module;
    module.usb_path = at ? at->name : device.name;
    module.card = card;
    module.vendor_id = device.vendor;
    module.product_id = device.product;
    const std::string maker = read_text(path / "manufacturer"),
                      product = read_text(path / "product");
    module.model = product.starts_with(maker) ? product : clean(maker + " " + product);
    module.serial = read_text(path / "serial");
    module.usb_speed = read_number(path / "speed").value_or(0);
    if (!at)
        return module;
    module.interface = at->number;
    module.driver = at->driver;
    module.control = at->control;
    if (!at->netdevs.empty()) {
        module.netdev = at->netdevs.front();
        read_netdev(module);
    }
    return module;
}

void Sysfs::read_netdev(Module &module) const {
    const fs::path path = net(module.netdev);
    module.ifindex = read_number(path / "ifindex").value_or(0);
    if (const std::string raw_ip = read_text(path / "qmi/raw_ip"); !raw_ip.empty())
        module.files.raw_ip = raw_ip == "Y";
    module.files.qmap_mode = read_number(path / "qmap_mode");
    module.files.qmap_size = read_number(path / "qmap_size");
    module.files.link_state = read_number(path / "link_state");
    module.pdns = pdns_of(module);
}

std::vector<Pdn> Sysfs::pdns_of(const Module &module) const {
    // The in-tree driver has them as netdevs above the master.
    std::vector<Pdn> pdns = uppers_of(module.netdev);
    if (!pdns.empty())
        return pdns;
    // The vendor's has them by name only.
    const uint32_t mode = std::min(module.files.qmap_mode.value_or(0), most_pdns);
    if (mode < 2)
        return {pdn(module.netdev, mode == 1 ? first_mux_id : 0)};
    for (uint32_t number = 1; number <= mode; number++)
        for (const char separator : {'.', '_', '-'}) {
            const std::string name = fmt::format("{}{}{}", module.netdev, separator, number);
            std::error_code error;
            if (fs::exists(net(name), error))
                pdns.push_back(pdn(name, first_mux_id + number - 1));
        }
    return pdns;
}

std::vector<Pdn> Sysfs::uppers_of(const std::string &master) const {
    constexpr std::string_view prefix = "upper_";
    std::vector<Pdn> uppers;
    for (const std::string &name : list(net(master))) {
        if (!name.starts_with(prefix))
            continue;
        const std::string upper = name.substr(prefix.size());
        if (const auto mux_id = read_number(net(upper) / "qmap/mux_id", 0xff))
            uppers.push_back(pdn(upper, *mux_id));
    }
    std::ranges::stable_sort(uppers, {}, &Pdn::mux_id);
    return uppers;
}

Pdn Sysfs::pdn(const std::string &netdev, uint32_t mux_id) const {
    Pdn pdn;
    pdn.mux_id = mux_id;
    pdn.netdev = netdev;
    pdn.ifindex = read_number(net(netdev) / "ifindex").value_or(0);
    return pdn;
}

std::vector<Module> Sysfs::modules() const {
    std::vector<Module> modules;
    for (const Device &device : devices())
        std::ranges::move(modules_of(device), std::back_inserter(modules));
    return modules;
}
