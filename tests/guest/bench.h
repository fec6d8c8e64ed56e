// SPDX-License-Identifier: GPL-2.0
// One virtual module under the driver, and what most tests do with the two.
#pragma once

#include "../../driver/uapi/linux/qmi_wwan_q.h"
#include "../modem/modem.h"
#include "host.h"
#include "traffic.h"

#include <gtest/gtest.h>
#include <optional>
#include <string>
#include <vector>

namespace guest {

using vmodem::Bytes;
using vmodem::ByteView;
using vmodem::DataFormat;
using vmodem::Modem;
using vmodem::ModemOptions;

// What many tests are run with: a module of that profile, the driver in that mode.
struct Setup {
    const char *profile;
    unsigned mode;
    vmodem::UsbSpeed speed = vmodem::UsbSpeed::high;

    std::string name() const; // "rm520n_mode4_super"
    friend void PrintTo(const Setup &setup, std::ostream *out) { *out << setup.name(); }
};
inline std::string name_of(const testing::TestParamInfo<Setup> &info) {
    return info.param.name();
}

// The names and addresses of PDN 'number' (from 1) as driver and modem have them.
struct Pdn {
    unsigned number;
    std::string netdev;
    uint8_t mux_id;

    Target ipv4() const;
    Target ipv6() const;
};

// Plugs a module of that profile in and waits for its netdevs. The driver must be loaded, with
// the mode that is told here.
class Bench {
  public:
    explicit Bench(const Setup &setup);
    Bench(const std::string &profile, unsigned mode, ModemOptions options = {});
    Bench(const vmodem::Profile &profile, unsigned mode, ModemOptions options = {});

    Modem &modem() { return modem_; }
    const std::string &master() const { return master_; }
    unsigned mode() const { return mode_; }
    // PDN 1 to mode; in modes 0 and 1 the master is PDN 1.
    const Pdn &pdn(unsigned number) const { return pdns_.at(number - 1); }
    const std::vector<Pdn> &pdns() const { return pdns_; }

    // The driver has been turned to another mode; what is agreed and connected is then of that.
    void follow(unsigned mode);

    // The profile's own limits, put in force on both sides; no QMI.
    void agree();
    void agree(const DataFormat &format);
    DataFormat own_format() const;
    // A call: mux open, netdevs and link up, IPv4 and IPv6 address set; no QMI. All
    // PDNs share one network namespace, each with its own subnet.
    void connect(const Pdn &pdn);
    // agree() and connect() for every PDN.
    void connect_all();

    // ethtool -S of the master; fails the test if there is no such counter.
    uint64_t counter(const std::string &name) const;

    // The private ioctls; 0 or the errno.
    int set_link_state(uint32_t value) const;
    int set_format(const qmi_wwan_q_format &format) const;
    int get_info(qmi_wwan_q_info &info) const;
    // One of them on the master, whatever the payload is.
    int private_ioctl(unsigned long number, void *payload) const;
    // "/sys/bus/usb/devices/1-1/1-1:1.4"
    std::string interface_path() const;

    // Netdev that the module of that USB name has got; empty if none.
    static std::string netdev_of(const std::string &usb_name);

  private:
    unsigned mode_;
    Modem modem_;
    std::string master_;
    std::vector<Pdn> pdns_;
};

// UDP to the network behind that PDN, and TCP both ways: all of it gets there, on that mux id.
void expect_traffic(Bench &bench, const Pdn &pdn);
// All that was sent is as it should be: the transfers, and what of it is for that PDN's network.
void expect_sound_uplink(Bench &bench, const Pdn &pdn);

// An IPv4 UDP packet for the PDN's host address, ready to be sent by the modem; the payload is
// all 'fill' and goes to 'port'.
Bytes udp_packet(const Pdn &pdn, size_t payload, uint16_t port, uint8_t fill = 0x5a);

// A UDP socket on the PDN's netdev for what arrives on a port, IPv4 and IPv6.
class UdpReceiver {
  public:
    UdpReceiver(const Pdn &pdn, uint16_t port);
    ~UdpReceiver();
    UdpReceiver(const UdpReceiver &) = delete;
    UdpReceiver &operator=(const UdpReceiver &) = delete;

    // Takes datagrams that have been merged, as QUIC clients do (UDP_GRO).
    void take_merged();
    // Holds that many bytes until they are received.
    void hold(int bytes);
    // The next datagram's payload, or several merged ones'; nullopt after the time-out.
    std::optional<Bytes> receive(std::chrono::milliseconds timeout = patience);

  private:
    int fd_;
};

} // namespace guest
