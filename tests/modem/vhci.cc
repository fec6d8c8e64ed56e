// SPDX-License-Identifier: GPL-2.0
#include "vhci.h"
#include "file_descriptor.h"
#include "usbip.h"

#include <cerrno>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/socket.h>
#include <system_error>

namespace vmodem {

namespace {

const std::string controller = "/sys/devices/platform/vhci_hcd.0/";
const std::string usb_devices = "/sys/bus/usb/devices/";

[[noreturn]] void fail(int error, const std::string &what) {
    throw std::system_error(error, std::generic_category(), what);
}

std::string read_word(const std::string &path) {
    std::ifstream file(path);
    std::string word;
    file >> word;
    return word;
}

// Number of the bus whose ports have that speed. By its version of USB, as the speed of the root
// hub is 5000 or 10000 from kernel to kernel.
std::string root_hub(UsbSpeed speed) {
    for (const auto &entry : std::filesystem::directory_iterator(controller)) {
        std::string name = entry.path().filename();
        if (name.starts_with("usb") &&
            read_word(entry.path() / "version").starts_with(speed == UsbSpeed::super ? '3' : '2'))
            return name.substr(3);
    }
    throw std::runtime_error("vhci_hcd has no root hub of that speed");
}

std::vector<VhciPort> vhci_ports() {
    std::ifstream file(controller + "status");
    if (!file)
        fail(errno, "no virtual USB host controller ('modprobe vhci-hcd' loads it)");
    std::ostringstream text;
    text << file.rdbuf();
    return parse_vhci_status(text.str());
}

} // namespace

std::vector<VhciPort> parse_vhci_status(std::string_view text) {
    constexpr unsigned port_empty = 4;
    std::vector<VhciPort> ports;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string hub;
        unsigned number, state;
        if (!(fields >> hub >> number >> state) || (hub != "hs" && hub != "ss"))
            continue;
        ports.push_back(
            {hub == "ss" ? UsbSpeed::super : UsbSpeed::high, number, state == port_empty});
    }
    return ports;
}

VhciPlug::VhciPlug(int socket, UsbSpeed speed) {
    auto ports = vhci_ports();
    std::string hub = root_hub(speed);
    FileDescriptor attach(::open((controller + "attach").c_str(), O_WRONLY | O_CLOEXEC));
    if (!attach)
        fail(errno, "can't plug in (only root may)");
    constexpr unsigned device_id = 1;
    unsigned speed_code = speed == UsbSpeed::super ? 5 : 3;
    unsigned index = 0; // on its root hub
    for (const VhciPort &port : ports) {
        index += port.speed == speed;
        if (port.speed != speed || !port.free)
            continue;
        std::ostringstream line;
        line << port.number << ' ' << socket << ' ' << device_id << ' ' << speed_code;
        std::string text = line.str();
        if (::write(attach.get(), text.data(), text.size()) == ssize_t(text.size())) {
            port_ = port.number;
            device_ = hub + '-' + std::to_string(index);
            return;
        }
        if (errno != EBUSY) // somebody else was faster
            fail(errno, "vhci_hcd refused '" + text + "'");
    }
    throw std::runtime_error("every port of vhci_hcd is taken at that speed");
}

std::string VhciPlug::name() const {
    return "port " + std::to_string(port_) + " of vhci_hcd";
}

bool VhciPlug::vacated() const {
    for (const VhciPort &port : vhci_ports())
        if (port.number == port_ && !port.free)
            return false;
    // An enumeration that is under way may yet bring the device forth. The hub is locked
    // meanwhile, and reading this attribute takes the lock.
    read_word(usb_devices + "usb" + device_.substr(0, device_.find('-')) + "/bNumInterfaces");
    return !std::filesystem::exists(usb_devices + device_);
}

UsbAttachment attach_to_vhci(UsbDevice &device, UsbSpeed speed) {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        fail(errno, "socketpair");
    FileDescriptor ours(ends[0]), theirs(ends[1]);
    auto plug = std::make_shared<VhciPlug>(theirs.get(), speed);
    return {std::make_unique<UsbipConnection>(std::move(ours), device), std::move(plug)};
}

} // namespace vmodem
