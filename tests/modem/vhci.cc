// SPDX-License-Identifier: GPL-2.0
#include "vhci.h"
#include "file_descriptor.h"

#include <cerrno>
#include <fcntl.h>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <system_error>

namespace vmodem {

namespace {

const std::string controller = "/sys/devices/platform/vhci_hcd.0/";

[[noreturn]] void fail(int error, const std::string &what) {
    throw std::system_error(error, std::generic_category(), what);
}

} // namespace

std::vector<VhciPort> parse_vhci_status(std::string_view text) {
    constexpr unsigned port_empty = 4, port_used = 6;
    std::vector<VhciPort> ports;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream fields(line);
        std::string hub, speed, devid, socket, device;
        unsigned number, state;
        if (!(fields >> hub >> number >> state >> speed >> devid >> socket >> device) ||
            (hub != "hs" && hub != "ss"))
            continue;
        ports.push_back({hub == "ss" ? UsbSpeed::super : UsbSpeed::high, number,
                         state == port_empty, state == port_used ? device : ""});
    }
    return ports;
}

std::vector<VhciPort> vhci_ports() {
    std::ifstream file(controller + "status");
    if (!file)
        fail(errno, "no virtual USB host controller ('modprobe vhci-hcd' loads it)");
    std::ostringstream text;
    text << file.rdbuf();
    return parse_vhci_status(text.str());
}

std::optional<VhciPort> vhci_port(unsigned number) {
    for (VhciPort &port : vhci_ports())
        if (port.number == number)
            return std::move(port);
    return std::nullopt;
}

unsigned vhci_attach(int socket, UsbSpeed speed) {
    constexpr unsigned device_id = 1;
    unsigned speed_code = speed == UsbSpeed::super ? 5 : 3;
    auto ports = vhci_ports();
    FileDescriptor attach(::open((controller + "attach").c_str(), O_WRONLY | O_CLOEXEC));
    if (!attach)
        fail(errno, "can't plug in (only root may)");
    for (const VhciPort &port : ports) {
        if (port.speed != speed || !port.free)
            continue;
        std::ostringstream line;
        line << port.number << ' ' << socket << ' ' << device_id << ' ' << speed_code;
        std::string text = line.str();
        if (::write(attach.get(), text.data(), text.size()) == ssize_t(text.size()))
            return port.number;
        if (errno != EBUSY) // somebody else was faster
            fail(errno, "vhci_hcd refused '" + text + "'");
    }
    throw std::runtime_error("every port of vhci_hcd is taken at that speed");
}

} // namespace vmodem
