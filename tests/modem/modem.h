// SPDX-License-Identifier: GPL-2.0
// A virtual module: USB device, QMI server, QMAP data link and a network behind each PDN,
// plugged into a USB host, by default this machine's vhci_hcd. What VM tests, the vmodem program
// and the benchmark use.
//
// Thread-safe: each call is carried out on the modem's own loop thread and returns when done.
// vhci_hcd needs root and the module of that name; failures of set-up throw std::system_error or
// std::runtime_error with the reason.
#pragma once

#include "bytes.h"
#include "data_format.h"
#include "ip_peer.h"
#include "profile.h"
#include "qmi_server.h"
#include "usb_attachment.h"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace vmodem {

// What the host sent, as the module saw it.
struct UplinkStatistics {
    uint64_t transfers;           // bulk OUT transfers with data
    uint64_t zero_length_packets; // that closed a transfer of whole USB packets
    uint64_t datagrams;           // data frames (RawIP: packets)
    uint64_t max_datagrams;       // in one transfer
    uint64_t max_transfer;        // bytes
    uint64_t aggregates;          // transfers of more than one datagram
    uint64_t checksums_wanted;    // datagrams whose checksum the host left to the module (v5)
    uint64_t dropped_unbound;     // for a mux id without bind + start
    uint64_t violations;          // anything a strict module would choke on
    std::string first_violation;  // what it was, with the first bytes in hex
};

// A MUX command that the host sent (the answer to one of ours, or of its own).
struct MuxCommand {
    uint8_t mux_id;
    uint8_t name; // 1 flow disable, 2 flow enable
    uint8_t type; // 0 request, 1 ack, 2 unsupported, 3 invalid
    uint32_t transaction;
    Bytes body; // the whole command, MAP header not included
};

struct ModemOptions {
    UsbAttach attach = attach_to_vhci;
    UsbSpeed speed = UsbSpeed::high;
    // Network-card type as AT+QCFG="usbnet" would set it: decides the descriptors of the data
    // interfaces. 0 QMI, 1 ECM, 2 MBIM, 3 RNDIS.
    unsigned usbnet = 0;
    // Called with the configuration descriptor before the device is plugged in: tests cut and
    // bend it here.
    std::function<void(Bytes &)> mangle_descriptor = {};
    // In 802.3 the module sends a MAC of 02:50:f3:00:00:00 as destination instead of the host's.
    bool broken_ethernet_header = false;
    // Told each IP packet that the host sent on an open mux, with the number of its transfer (from
    // 1, counting those with data). On the loop thread.
    std::function<void(uint8_t mux_id, ByteView packet, uint64_t transfer)> uplink_packet = {};
    // What becomes of each IP packet that the network behind a PDN sends. On the loop thread.
    std::function<Bytes(Bytes packet)> downlink_packet = {};
    // Told, a line each, what happens: plug-in, formats, calls, DTR. On the loop thread.
    std::function<void(const std::string &)> log = {};
};

class Modem {
  public:
    explicit Modem(const Profile &profile, ModemOptions options = {});
    ~Modem(); // unplugs

    Modem(const Modem &) = delete;
    Modem &operator=(const Modem &) = delete;

    void plug_in();
    // As if pulled out: URBs in flight are lost, the port goes empty. Returns when the host has
    // noticed (the port is free again).
    void unplug();
    bool plugged_in() const;
    // Unplug, lose all state, plug in again after the delay.
    void reenumerate(std::chrono::milliseconds delay = std::chrono::milliseconds(200));
    // Name under /sys/bus/usb/devices ("1-1"); empty until the host has enumerated it.
    std::string usb_name() const;

    const Profile &profile() const;
    DataFormat format() const;
    UplinkStatistics uplink() const;
    // Commands from the host since the last call.
    std::vector<MuxCommand> take_commands();
    // The value of DTR as last set by SET_CONTROL_LINE_STATE; 0 initially.
    unsigned dtr() const;
    IpPeer::Statistics peer(uint8_t mux_id) const;

    // Opens the mux (as WDS bind + start would) without any QMI, for tests of the data path.
    void open_mux(uint8_t mux_id);
    // Puts the data format in force without any QMI.
    void set_format(const DataFormat &format);
    void set_qmi_faults(QmiServer::Faults faults);
    void drop_call(uint8_t mux_id);

    // One IP packet on that mux, framed as the format says, in a transfer of its own.
    void send_packet(uint8_t mux_id, ByteView packet);
    // Sends these bytes as one bulk IN transfer, whatever they are (empty: a zero-length one).
    void inject_transfer(Bytes transfer);
    // Completes the next bulk IN URB with this Linux errno (-EOVERFLOW: babble, -EPIPE: stall
    // until the host clears the halt, -EPROTO, -EILSEQ, -ETIME ...).
    void inject_bulk_in_error(int status);
    void inject_bulk_out_error(int status);
    // Takes back the errors that have hit no URB yet; an endpoint that is halted stays so.
    void forget_errors();
    // Sends a MUX command request; returns its transaction id.
    uint32_t send_command(uint8_t mux_id, uint8_t name);
    // While true bulk OUT URBs stay pending: the module's UL buffers are full.
    void hold_uplink(bool hold);
    // Bulk OUT URBs complete no faster than this many bits a second; 0: at once.
    void set_uplink_rate(uint64_t bits_per_second);
    // Bulk OUT URBs complete all together, once none has come for that long; 0: at once. To a host
    // with enough to send the module is slower than itself, whatever the two run on.
    void set_uplink_quiet(std::chrono::milliseconds quiet);
    // Bulk IN URBs that the host has pending now.
    unsigned pending_bulk_in() const;
    // Bulk OUT URBs that wait for hold_uplink(), set_uplink_rate() or set_uplink_quiet().
    unsigned pending_bulk_out() const;
    // Waits until the DL queue is empty; false after the time-out.
    bool drain_downlink(std::chrono::milliseconds timeout) const;
    // The host has suspended the device (autosuspend). Data or a notification that is queued then
    // makes it resume, provided it enabled remote wake-up. False where the transport can't tell.
    bool suspended() const;
    // The next resume finds the device without its state: the host resets it (reset_resume).
    void lose_state_in_sleep();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace vmodem
