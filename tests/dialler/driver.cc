// SPDX-License-Identifier: GPL-2.0
#include "driver.h"

#include "../../driver/uapi/linux/qmi_wwan_q.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <linux/if.h>
#include <optional>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace dialler {

namespace {

constexpr uint32_t rawip_urb_size = 1520;

ifreq request_for(const std::string &netdev) {
    ifreq request{};
    if (netdev.size() >= sizeof(request.ifr_name))
        throw std::system_error(ENODEV, std::generic_category(), netdev);
    std::copy(netdev.begin(), netdev.end(), request.ifr_name);
    return request;
}

bool private_ioctl(int socket, const std::string &netdev, unsigned long number, void *payload) {
    ifreq request = request_for(netdev);
    request.ifr_data = static_cast<char *>(payload);
    return ioctl(socket, number, &request) == 0;
}

std::string sysfs_path(const std::string &netdev, const std::string &file) {
    return "/sys/class/net/" + netdev + "/" + file;
}

std::optional<std::string> read_sysfs(const std::string &netdev, const std::string &file) {
    std::ifstream in(sysfs_path(netdev, file));
    std::string word;
    if (in >> word)
        return word;
    return std::nullopt;
}

std::optional<unsigned> read_sysfs_number(const std::string &netdev, const std::string &file,
                                          int base) {
    const auto word = read_sysfs(netdev, file);
    if (!word)
        return std::nullopt;
    return static_cast<unsigned>(std::strtoul(word->c_str(), nullptr, base));
}

DriverFacts facts_from(const qmi_wwan_q_info &info) {
    DriverFacts facts;
    facts.from_ioctl = true;
    facts.rx_urb_size = info.rx_urb_size;
    facts.endpoint_type = info.ep_type;
    facts.interface = info.iface_id;
    facts.qmap_mode = info.qmap_mode;
    facts.qmap_version = info.qmap_version;
    facts.dl_minimum_padding = info.dl_minimum_padding;
    for (size_t i = 0; i < std::size(info.mux_id) && i < info.qmap_mode; i++) {
        const char *name = info.ifname[i];
        const size_t length = strnlen(name, sizeof(info.ifname[i]));
        if (length != 0 && info.mux_id[i] != 0)
            facts.muxes.push_back({std::string(name, length), info.mux_id[i]});
    }
    return facts;
}

DriverFacts facts_from_sysfs(const std::string &master) {
    DriverFacts facts;
    facts.interface = read_sysfs_number(master, "device/bInterfaceNumber", 16).value_or(4);
    facts.qmap_mode = read_sysfs_number(master, "qmap_mode", 10).value_or(0);
    facts.rx_urb_size = read_sysfs_number(master, "qmap_size", 10).value_or(rawip_urb_size);
    facts.raw_ip = read_sysfs(master, "qmi/raw_ip").value_or("Y") != "N";
    facts.qmap_version = facts.qmap_mode ? 5 : 0;
    if (facts.qmap_mode == 1)
        facts.muxes.push_back({master, 0x81});
    for (unsigned pdn = 1; facts.qmap_mode > 1 && pdn <= std::min(facts.qmap_mode, 8u); pdn++)
        facts.muxes.push_back(
            {master + "." + std::to_string(pdn), static_cast<uint8_t>(0x80 + pdn)});
    return facts;
}

} // namespace

const MuxNetdev *DriverFacts::mux_of(unsigned pdn) const {
    const auto mux = std::find_if(muxes.begin(), muxes.end(),
                                  [pdn](const MuxNetdev &m) { return m.mux_id == 0x80 + pdn; });
    return mux == muxes.end() ? nullptr : &*mux;
}

Driver::Driver(std::string master)
    : master_(std::move(master)), socket_(socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    if (socket_ < 0)
        throw std::system_error(errno, std::generic_category(), "socket");
}

Driver::~Driver() {
    close(socket_);
}

DriverFacts Driver::facts() const {
    qmi_wwan_q_info info{};
    if (private_ioctl(socket_, master_, QMI_WWAN_Q_IOC_GET_INFO, &info) && info.qmap_mode != 0)
        return facts_from(info);
    return facts_from_sysfs(master_);
}

bool Driver::set_ul_limits(const DriverFacts &facts, uint32_t max_datagrams,
                           uint32_t max_size) const {
    qmi_wwan_q_format settings{
        .size = sizeof(settings),
        .rx_urb_size = facts.rx_urb_size,
        .ep_type = facts.endpoint_type,
        .iface_id = facts.interface,
        .mux_id = 0x81,
        .ul_max_datagrams = max_datagrams,
        .ul_max_size = max_size,
        .dl_minimum_padding = facts.dl_minimum_padding,
    };
    return private_ioctl(socket_, master_, QMI_WWAN_Q_IOC_SET_FORMAT, &settings);
}

bool Driver::set_link_state(const DriverFacts &facts, unsigned pdn, bool up) const {
    if (facts.qmap_mode == 0)
        return false;
    uint32_t value = up ? pdn : 0x80 + pdn;
    if (facts.qmap_mode == 1)
        value = up ? 1 : 0;
    if (private_ioctl(socket_, master_, QMI_WWAN_Q_IOC_LINK_STATE, &value))
        return true;
    std::ofstream file(sysfs_path(master_, "link_state"));
    return static_cast<bool>(file << value << std::endl);
}

void Driver::set_up(const std::string &netdev, bool up) const {
    ifreq request = request_for(netdev);
    if (ioctl(socket_, SIOCGIFFLAGS, &request) < 0)
        throw std::system_error(errno, std::generic_category(), netdev);
    request.ifr_flags =
        static_cast<short>(up ? request.ifr_flags | IFF_UP : request.ifr_flags & ~IFF_UP);
    if (ioctl(socket_, SIOCSIFFLAGS, &request) < 0)
        throw std::system_error(errno, std::generic_category(), netdev + (up ? " up" : " down"));
}

} // namespace dialler
