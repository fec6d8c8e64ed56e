// SPDX-License-Identifier: GPL-2.0
// The module's end of the data path: IP packets <-> bulk transfers, framed as the data format
// says. Lenient to nobody: what it lets pass, a real module lets pass; the rest is counted.
// Knows nothing of USB but the packet size that decides where a transfer ends.
//
// Written from the format's description alone: it is what the driver is checked against.
#pragma once

#include "bytes.h"
#include "data_format.h"
#include "modem.h"

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace vmodem {

class DataLink {
  public:
    struct Hooks {
        // An IP packet from the host, on an open mux.
        std::function<void(uint8_t mux_id, ByteView packet)> packet;
    };
    struct Options {
        unsigned usb_packet_size = 512;
        bool broken_ethernet_header = false;
    };

    static constexpr uint8_t default_mux = 0x81;
    // What the module buffers for a host that does not read.
    static constexpr size_t queue_limit = 1 << 20;

    DataLink(Options options, Hooks hooks);

    void set_format(const DataFormat &format);
    const DataFormat &format() const { return format_; }

    // 0 stands for the default mux: of an unbound call, or where there is no QMAP.
    static uint8_t canonical(uint8_t mux_id) { return mux_id ? mux_id : default_mux; }
    void open(uint8_t mux_id) { open_.insert(canonical(mux_id)); }
    void close(uint8_t mux_id) { open_.erase(canonical(mux_id)); }
    bool is_open(uint8_t mux_id) const { return open_.contains(canonical(mux_id)); }

    // Downlink. False: no room, or larger than any transfer that was agreed to; it is dropped.
    bool queue_packet(uint8_t mux_id, Bytes packet);
    bool queue_alone(uint8_t mux_id, Bytes packet); // in a transfer of its own
    void queue_transfer(Bytes transfer);            // as it is
    uint32_t queue_command(uint8_t mux_id, uint8_t name);
    // Packets of full size that fit into the queue.
    size_t room() const;
    bool idle() const { return queue_.empty(); }
    // The next bulk IN transfer, with as many of the queued packets as may share one.
    std::optional<Bytes> next_transfer();

    // Uplink: the data of one bulk OUT URB; zero_packet: an empty packet followed, or was all.
    void receive(ByteView data, bool zero_packet);
    const UplinkStatistics &statistics() const { return statistics_; }
    std::vector<MuxCommand> take_commands() { return std::exchange(commands_, {}); }

  private:
    enum class Kind { packet, alone, raw, command };
    struct Item {
        Kind kind;
        uint8_t mux_id;
        Bytes bytes;
    };

    size_t framed_size(const Item &item) const;
    bool enqueue(Item item);
    void append_frame(Bytes &transfer, const Item &item) const;
    Bytes ethernet_frame(const Item &item) const;

    void receive_transfer(ByteView transfer);
    void receive_aggregate(ByteView transfer);
    void receive_data_frame(uint8_t flags, uint8_t mux_id, ByteView body, ByteView headers);
    void receive_command(uint8_t flags, uint8_t mux_id, ByteView body);
    void receive_ethernet(ByteView frame);
    void receive_arp(ByteView frame);
    void receive_packet(uint8_t mux_id, ByteView packet, bool checksum_wanted);
    bool check_packet(ByteView packet);
    void violation(const std::string &what, ByteView bytes);

    Options options_;
    Hooks hooks_;
    DataFormat format_;
    std::set<uint8_t> open_;

    std::deque<Item> queue_;
    size_t queued_bytes_ = 0;
    uint32_t transaction_ = 0;

    Bytes unfinished_; // whole packets of a transfer whose end has not been seen
    UplinkStatistics statistics_{};
    std::vector<MuxCommand> commands_;
    std::array<uint8_t, 6> host_mac_{0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
};

} // namespace vmodem
