// SPDX-License-Identifier: GPL-2.0
#include "bench.h"

#include "../modem/ip_packet.h"
#include "../modem/ip_wire.h"

#include <algorithm>
#include <cerrno>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <numeric>
#include <poll.h>
#include <stdexcept>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <system_error>
#include <unistd.h>

namespace guest {

namespace {

const vmodem::Profile &profile_of(const std::string &name) {
    const vmodem::Profile *profile = vmodem::find_profile(name);
    if (!profile)
        throw std::runtime_error("no profile " + name);
    return *profile;
}

} // namespace

std::string Setup::name() const {
    return std::string(profile) + "_mode" + std::to_string(mode) +
           (speed == vmodem::UsbSpeed::super ? "_super" : "");
}

Target Pdn::ipv4() const {
    return {netdev, "10." + std::to_string(100 + number) + ".0.1"};
}

Target Pdn::ipv6() const {
    return {netdev, "2001:db8:" + std::to_string(number) + "::1"};
}

Bench::Bench(const Setup &setup)
    : Bench(profile_of(setup.profile), setup.mode, {.speed = setup.speed}) {}

Bench::Bench(const std::string &profile, unsigned mode, ModemOptions options)
    : Bench(profile_of(profile), mode, std::move(options)) {}

Bench::Bench(const vmodem::Profile &profile, unsigned mode, ModemOptions options)
    : mode_(mode), modem_(profile, std::move(options)) {
    write_file("/proc/sys/net/ipv4/ping_group_range", "0 0");
    // fq_codel drops by design, and pfifo_fast, which has no lock, can reorder what it gets back;
    // what is lost or out of order here shall be the driver's doing.
    write_file("/proc/sys/net/core/default_qdisc", "pfifo");
    modem_.plug_in();
    if (!wait_until([&] {
            master_ = netdev_of(modem_.usb_name());
            // sysfs shows a netdev before it can be had by its name.
            return exists(mode_ < 2 ? master_ : master_ + "." + std::to_string(mode_));
        }))
        throw std::runtime_error(std::string(profile.name) + " got no netdevs");
    follow(mode);
}

void Bench::follow(unsigned mode) {
    mode_ = mode;
    pdns_.clear();
    if (mode_ < 2)
        pdns_.push_back({1, master_, 0x81});
    for (unsigned n = 1; mode_ > 1 && n <= mode_; n++)
        pdns_.push_back({n, master_ + "." + std::to_string(n), uint8_t(0x80 + n)});
}

std::string Bench::netdev_of(const std::string &usb_name) {
    if (usb_name.empty())
        return "";
    for (const std::string &interface : list_directory("/sys/bus/usb/devices/" + usb_name))
        if (interface.starts_with(usb_name + ":"))
            for (const std::string &netdev :
                 list_directory("/sys/bus/usb/devices/" + usb_name + "/" + interface + "/net"))
                return netdev;
    return "";
}

std::string Bench::interface_path() const {
    const std::string usb = modem_.usb_name();
    return "/sys/bus/usb/devices/" + usb + "/" + usb + ":1." +
           std::to_string(modem_.profile().qmi_interface);
}

DataFormat Bench::own_format() const {
    const vmodem::Profile &profile = modem_.profile();
    DataFormat format;
    format.agreed = true;
    if (profile.qmap == vmodem::Qmap::off)
        format.link_protocol = vmodem::LinkProtocol::ethernet_802_3;
    if (!mode_)
        return format;
    format.ul = format.dl = profile.qmap;
    format.dl_max_datagrams = profile.limits.dl_max_datagrams;
    format.dl_max_size = profile.limits.dl_max_size;
    format.ul_max_datagrams = profile.limits.ul_max_datagrams;
    format.ul_max_size = profile.limits.ul_max_size;
    return format;
}

void Bench::agree() {
    agree(own_format());
}

void Bench::agree(const DataFormat &format) {
    modem_.set_format(format);
    if (!mode_)
        return;
    const qmi_wwan_q_format told = {
        sizeof(told),       format.dl_max_size,       2, 4, 0x81, format.ul_max_datagrams,
        format.ul_max_size, format.dl_minimum_padding};
    ASSERT_EQ(set_format(told), 0);
}

void Bench::connect(const Pdn &pdn) {
    const std::string n = std::to_string(pdn.number);
    // In modes 0 and 1 the link is up from the start; nothing is to be sent before the call is.
    ASSERT_EQ(set_link_state(mode_ < 2 ? 0 : 0x80 | pdn.number), 0);
    ASSERT_EQ(set_up(master_, true), 0);
    ASSERT_EQ(set_up(pdn.netdev, true), 0);
    modem_.open_mux(mode_ ? pdn.mux_id : 0);
    ASSERT_EQ(set_link_state(pdn.number), 0);
    ASSERT_TRUE(wait_operational(pdn.netdev));
    add_address(pdn.netdev, "10." + std::to_string(100 + pdn.number) + ".0.2/30");
    add_address(pdn.netdev, "2001:db8:" + n + "::2/64");
}

void Bench::connect_all() {
    agree();
    for (const Pdn &pdn : pdns_)
        connect(pdn);
}

uint64_t Bench::counter(const std::string &name) const {
    const auto counters = ethtool_counters(master_);
    const auto found = counters.find(name);
    if (found == counters.end()) {
        ADD_FAILURE() << "no counter " << name;
        return 0;
    }
    return found->second;
}

int Bench::private_ioctl(unsigned long number, void *payload) const {
    const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ifreq request{};
    master_.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = static_cast<char *>(payload);
    const int error = ioctl(fd, number, &request) ? errno : 0;
    close(fd);
    return error;
}

int Bench::set_link_state(uint32_t value) const {
    return private_ioctl(QMI_WWAN_Q_IOC_LINK_STATE, &value);
}

int Bench::set_format(const qmi_wwan_q_format &format) const {
    qmi_wwan_q_format copy = format;
    return private_ioctl(QMI_WWAN_Q_IOC_SET_FORMAT, &copy);
}

int Bench::get_info(qmi_wwan_q_info &info) const {
    return private_ioctl(QMI_WWAN_Q_IOC_GET_INFO, &info);
}

void expect_traffic(Bench &bench, const Pdn &pdn) {
    constexpr unsigned datagrams = 20;
    const auto sunk = [&] { return bench.modem().peer(pdn.mux_id).udp_sunk_packets; };
    const uint64_t before = sunk();
    EXPECT_EQ(udp_flood(pdn.ipv4(), datagrams, 100), "") << pdn.netdev;
    EXPECT_TRUE(wait_until([&] { return sunk() == before + datagrams; })) << pdn.netdev;
    EXPECT_EQ(tcp_download(pdn.ipv4(), 200'000), "") << pdn.netdev;
    EXPECT_EQ(tcp_upload(pdn.ipv4(), 200'000), "") << pdn.netdev;
}

void expect_sound_uplink(Bench &bench, const Pdn &pdn) {
    const auto peer = bench.modem().peer(bench.mode() ? pdn.mux_id : 0);
    EXPECT_EQ(peer.bad_packets, 0u);
    EXPECT_EQ(peer.tcp_out_of_order, 0u);
    const vmodem::UplinkStatistics up = bench.modem().uplink();
    EXPECT_EQ(up.violations, 0u) << up.first_violation;
    EXPECT_EQ(statistic(pdn.netdev, "tx_dropped"), 0u);
}

Bytes udp_packet(const Pdn &pdn, size_t payload, uint16_t port, uint8_t fill) {
    const uint8_t subnet = 100 + pdn.number;
    Bytes packet = {
        0x45, 0, 0,  0,      0, 0, 0, 0, 64, IPPROTO_UDP, 0, 0, 10, subnet,
        0,    1, 10, subnet, 0, 2, 0, 7, 0,  0,           0, 0, 0,  0}; // UDP checksum 0: none
    packet.resize(packet.size() + payload, fill);
    vmodem::ip::store16(&packet[2], packet.size());
    vmodem::ip::fill_header_checksum(packet);
    vmodem::ip::store16(&packet[22], port);
    vmodem::ip::store16(&packet[24], 8 + payload);
    return packet;
}

UdpReceiver::UdpReceiver(const Pdn &pdn, uint16_t port)
    : fd_(socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in6 address{}; // and every IPv4 address
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(port);
    if (fd_ < 0 ||
        setsockopt(fd_, SOL_SOCKET, SO_BINDTODEVICE, pdn.netdev.c_str(), pdn.netdev.size()) ||
        bind(fd_, reinterpret_cast<sockaddr *>(&address), sizeof(address)))
        throw std::system_error(errno, std::generic_category(), "UDP receiver");
}

UdpReceiver::~UdpReceiver() {
    close(fd_);
}

void UdpReceiver::take_merged() {
    const int on = 1;
    // GRO does not find sockets that are bound to a netdev.
    if (setsockopt(fd_, SOL_SOCKET, SO_BINDTODEVICE, "", 0) ||
        setsockopt(fd_, SOL_UDP, UDP_GRO, &on, sizeof(on)))
        throw std::system_error(errno, std::generic_category(), "UDP_GRO");
}

void UdpReceiver::hold(int bytes) {
    bytes /= 2; // the kernel doubles it
    if (setsockopt(fd_, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
        throw std::system_error(errno, std::generic_category(), "SO_RCVBUFFORCE");
}

std::optional<Bytes> UdpReceiver::receive(std::chrono::milliseconds timeout) {
    pollfd p{fd_, POLLIN, 0};
    if (poll(&p, 1, int(timeout.count())) <= 0)
        return std::nullopt;
    Bytes payload(65536);
    const ssize_t n = recv(fd_, payload.data(), payload.size(), 0);
    if (n < 0)
        return std::nullopt;
    payload.resize(n);
    return payload;
}

} // namespace guest
