// SPDX-License-Identifier: GPL-2.0
#include "data_link.h"
#include "checksum_offload.h"
#include "qmap_wire.h"

#include <algorithm>
#include <cstdio>

namespace vmodem {

namespace {

using Mac = std::array<uint8_t, 6>;

constexpr Mac module_mac{0x02, 0x50, 0xf3, 0x00, 0x00, 0x00};
constexpr size_t ethernet_header = 14, ethernet_minimum = 60;
constexpr uint16_t type_ipv4 = 0x0800, type_arp = 0x0806, type_ipv6 = 0x86dd;
constexpr size_t full_packet = 1500;
// A host that never ends a transfer must not fill the memory.
constexpr size_t longest_transfer = 256 << 10;

uint16_t u16(ByteView bytes, size_t at) {
    return bytes[at] << 8 | bytes[at + 1];
}

uint32_t u32(ByteView bytes, size_t at) {
    return uint32_t(u16(bytes, at)) << 16 | u16(bytes, at + 2);
}

template <typename Range> void append(Bytes &bytes, const Range &more) {
    bytes.insert(bytes.end(), more.begin(), more.end());
}

void append_be16(Bytes &bytes, uint16_t value) {
    bytes.push_back(value >> 8);
    bytes.push_back(value & 0xff);
}

size_t pad_of(size_t length) {
    return -length & 3;
}

} // namespace

DataLink::DataLink(Options options, Hooks hooks) : options_(options), hooks_(std::move(hooks)) {}

void DataLink::set_format(const DataFormat &format) {
    format_ = format;
}

void DataLink::violation(const std::string &what, ByteView bytes) {
    if (statistics_.violations++)
        return;
    statistics_.first_violation = what + ':';
    for (uint8_t byte : bytes.first(std::min<size_t>(bytes.size(), 48))) {
        char text[4];
        std::snprintf(text, sizeof(text), " %02x", byte);
        statistics_.first_violation += text;
    }
}

// ---- downlink

size_t DataLink::framed_size(const Item &item) const {
    size_t size = wire::map_header_size + item.bytes.size();
    if (item.kind == Kind::command)
        return size;
    if (format_.dl == Qmap::v5)
        size += wire::checksum_header_size + format_.dl_minimum_padding;
    return size + pad_of(size);
}

bool DataLink::enqueue(Item item) {
    bool framed = format_.dl != Qmap::off;
    if (item.bytes.empty() || queued_bytes_ + item.bytes.size() > queue_limit ||
        item.bytes.size() > 0xffff ||
        (framed && format_.dl_max_size && framed_size(item) > format_.dl_max_size))
        return false;
    queued_bytes_ += item.bytes.size();
    queue_.push_back(std::move(item));
    return true;
}

bool DataLink::queue_packet(uint8_t mux_id, Bytes packet) {
    return enqueue({Kind::packet, canonical(mux_id), std::move(packet)});
}

bool DataLink::queue_alone(uint8_t mux_id, Bytes packet) {
    return enqueue({Kind::alone, canonical(mux_id), std::move(packet)});
}

void DataLink::queue_transfer(Bytes transfer) {
    queued_bytes_ += transfer.size();
    queue_.push_back({Kind::raw, 0, std::move(transfer)});
}

uint32_t DataLink::queue_command(uint8_t mux_id, uint8_t name) {
    uint32_t transaction = ++transaction_;
    Bytes body{name, 0, 0, 0};
    append_be16(body, transaction >> 16);
    append_be16(body, transaction & 0xffff);
    body.resize(wire::flow_command_size);
    queued_bytes_ += body.size();
    queue_.push_back({Kind::command, canonical(mux_id), std::move(body)});
    return transaction;
}

size_t DataLink::room() const {
    return queued_bytes_ >= queue_limit ? 0 : (queue_limit - queued_bytes_) / full_packet;
}

void DataLink::append_frame(Bytes &transfer, const Item &item) const {
    if (item.kind == Kind::command) {
        transfer.push_back(wire::map_command);
        transfer.push_back(item.mux_id);
        append_be16(transfer, item.bytes.size());
        return append(transfer, item.bytes);
    }
    bool v5 = format_.dl == Qmap::v5;
    size_t before = v5 ? format_.dl_minimum_padding : 0;
    size_t pad = pad_of(before + item.bytes.size());
    transfer.push_back(pad | (v5 ? wire::map_next_header : 0));
    transfer.push_back(item.mux_id);
    append_be16(transfer, before + item.bytes.size() + pad);
    if (v5)
        append(transfer, std::array<uint8_t, wire::checksum_header_size>{
                             wire::checksum_header_type, wire::checksum_flag, 0, 0});
    transfer.resize(transfer.size() + before);
    append(transfer, item.bytes);
    transfer.resize(transfer.size() + pad);
}

Bytes DataLink::ethernet_frame(const Item &item) const {
    const Bytes &packet = item.bytes;
    bool v6 = packet[0] >> 4 == 6;
    Mac destination = options_.broken_ethernet_header ? module_mac : host_mac_;
    if (!options_.broken_ethernet_header && v6 && packet.size() >= 40 && packet[24] == 0xff)
        destination = {0x33, 0x33, packet[36], packet[37], packet[38], packet[39]};
    Bytes frame;
    frame.reserve(ethernet_header + packet.size());
    append(frame, destination);
    append(frame, module_mac);
    append_be16(frame, v6 ? type_ipv6 : type_ipv4);
    append(frame, packet);
    return frame;
}

std::optional<Bytes> DataLink::next_transfer() {
    if (queue_.empty())
        return std::nullopt;
    auto take = [this] {
        Item item = std::move(queue_.front());
        queue_.pop_front();
        queued_bytes_ -= item.bytes.size();
        return item;
    };
    Item first = take();
    if (first.kind == Kind::raw)
        return std::move(first.bytes);
    if (format_.dl == Qmap::off && first.kind != Kind::command)
        return format_.link_protocol == LinkProtocol::raw_ip ? std::move(first.bytes)
                                                             : ethernet_frame(first);
    Bytes transfer;
    if (first.kind == Kind::packet && !queue_.empty())
        transfer.reserve(format_.dl_max_size);
    append_frame(transfer, first);
    for (size_t datagrams = 1; first.kind == Kind::packet && !queue_.empty(); datagrams++) {
        const Item &next = queue_.front();
        if (next.kind != Kind::packet || datagrams >= format_.dl_max_datagrams ||
            transfer.size() + framed_size(next) > format_.dl_max_size)
            break;
        append_frame(transfer, take());
    }
    return transfer;
}

// ---- uplink

void DataLink::receive(ByteView data, bool zero_packet) {
    bool whole_packets = data.size() % options_.usb_packet_size == 0;
    statistics_.transfers += !data.empty();
    bool closes = zero_packet || data.empty();
    statistics_.zero_length_packets += closes;
    if (closes || !whole_packets) {
        if (unfinished_.empty())
            return data.empty() ? void() : receive_transfer(data);
        if (!data.empty()) // it should have been the empty packet
            violation("no zero-length packet after a transfer of whole packets", unfinished_);
        append(unfinished_, data);
        return receive_transfer(std::exchange(unfinished_, {}));
    }
    if (!unfinished_.empty())
        violation("no zero-length packet after a transfer of whole packets", unfinished_);
    append(unfinished_, data);
    if (unfinished_.size() > longest_transfer) {
        violation("a transfer without an end", unfinished_);
        unfinished_.clear();
    }
}

void DataLink::receive_transfer(ByteView transfer) {
    statistics_.max_transfer = std::max<uint64_t>(statistics_.max_transfer, transfer.size());
    if (format_.ul != Qmap::off)
        return receive_aggregate(transfer);
    statistics_.datagrams++;
    statistics_.max_datagrams = std::max<uint64_t>(statistics_.max_datagrams, 1);
    if (format_.link_protocol == LinkProtocol::ethernet_802_3)
        return receive_ethernet(transfer);
    // Without mux ids there is one PDN; should more be open, it is the first.
    if (check_packet(transfer))
        receive_packet(open_.empty() ? default_mux : *open_.begin(), transfer, false);
}

void DataLink::receive_aggregate(ByteView transfer) {
    if (format_.ul_max_size && transfer.size() > format_.ul_max_size)
        violation("transfer of " + std::to_string(transfer.size()) + " bytes", transfer);
    uint64_t datagrams = 0;
    for (ByteView rest = transfer; !rest.empty();) {
        if (rest.size() < wire::map_header_size) {
            violation("cut MAP header", rest);
            break;
        }
        uint8_t flags = rest[0], mux_id = rest[1];
        size_t length = u16(rest, 2), headers = wire::map_header_size;
        bool command = flags & wire::map_command;
        if (!command && flags & wire::map_next_header)
            headers += wire::checksum_header_size;
        if (rest.size() < headers + length) {
            violation("cut MAP frame", rest);
            break;
        }
        ByteView body = rest.subspan(headers, length);
        if (command) {
            receive_command(flags, mux_id, body);
        } else {
            datagrams++;
            receive_data_frame(flags, mux_id, body, rest.first(headers));
        }
        rest = rest.subspan(headers + length);
    }
    statistics_.datagrams += datagrams;
    statistics_.max_datagrams = std::max(statistics_.max_datagrams, datagrams);
    statistics_.aggregates += datagrams > 1;
    // A module that has not said how many takes them one by one.
    if (datagrams > std::max<uint64_t>(format_.ul_max_datagrams, 1))
        violation(std::to_string(datagrams) + " datagrams in a transfer", transfer);
}

void DataLink::receive_data_frame(uint8_t flags, uint8_t mux_id, ByteView body, ByteView headers) {
    bool v5 = format_.ul == Qmap::v5, has_header = headers.size() > wire::map_header_size;
    bool checksum_wanted = false;
    if (has_header != v5)
        return violation(v5 ? "no v5 header" : "reserved bit in the MAP header", headers);
    if (v5) {
        ByteView header = headers.subspan(wire::map_header_size);
        checksum_wanted = header[1] & wire::checksum_flag;
        if (header[0] != wire::checksum_header_type || header[1] & ~wire::checksum_flag ||
            header[2] || header[3])
            return violation("bad v5 header", headers);
    }
    size_t pad = flags & wire::map_pad_mask;
    if (body.size() % 4)
        violation("length not a multiple of 4", headers);
    if (pad > 3 || pad > body.size())
        return violation("bad pad length", headers);
    ByteView packet = body.first(body.size() - pad);
    if (check_packet(packet))
        receive_packet(mux_id, packet, checksum_wanted);
}

bool DataLink::check_packet(ByteView packet) {
    size_t length = ip_total_length(packet);
    if (length == packet.size() && length)
        return true;
    violation(length ? "IP length is " + std::to_string(length) + ", payload " +
                           std::to_string(packet.size())
                     : "no IP packet",
              packet);
    return false;
}

void DataLink::receive_packet(uint8_t mux_id, ByteView packet, bool checksum_wanted) {
    if (!open_.contains(mux_id)) {
        statistics_.dropped_unbound++;
        return;
    }
    if (!checksum_wanted)
        return hooks_.packet(mux_id, packet);
    statistics_.checksums_wanted++;
    Bytes filled(packet.begin(), packet.end());
    if (!fill_transport_checksum(filled))
        violation("checksum wanted where the module can't", packet);
    hooks_.packet(mux_id, filled);
}

void DataLink::receive_command(uint8_t flags, uint8_t mux_id, ByteView body) {
    size_t pad = flags & wire::map_pad_mask;
    if (flags & wire::map_next_header || pad > body.size() ||
        body.size() - pad < wire::command_header_size)
        return violation("bad command", body);
    body = body.first(body.size() - pad);
    commands_.push_back({mux_id, body[0], uint8_t(body[1] & wire::command_type_mask), u32(body, 4),
                         Bytes(body.begin(), body.end())});
}

void DataLink::receive_ethernet(ByteView frame) {
    if (frame.size() < ethernet_header)
        return violation("cut Ethernet header", frame);
    uint16_t type = u16(frame, 12);
    if (type != type_arp && type != type_ipv4 && type != type_ipv6)
        return; // whatever else a host chats about on Ethernet, or raw IP: its address is elsewhere
    std::ranges::copy(frame.subspan(6, 6), host_mac_.begin());
    if (type == type_arp)
        return receive_arp(frame);
    ByteView packet = frame.subspan(ethernet_header);
    size_t length = ip_total_length(packet);
    if (frame.size() == ethernet_minimum && length && length < packet.size())
        packet = packet.first(length); // padded up to Ethernet's shortest frame
    if (check_packet(packet))
        receive_packet(open_.empty() ? default_mux : *open_.begin(), packet, false);
}

// The module is the whole link, so every address is at its MAC. Not so for a host that asks for an
// address to see whether it is free, or announces its own.
void DataLink::receive_arp(ByteView frame) {
    constexpr size_t arp_size = 28;
    constexpr std::array<uint8_t, 8> request{0, 1, 0x08, 0x00, 6, 4, 0, 1};
    if (frame.size() < ethernet_header + arp_size)
        return violation("cut ARP packet", frame);
    ByteView arp = frame.subspan(ethernet_header, arp_size);
    ByteView sender_mac = arp.subspan(8, 6), sender = arp.subspan(14, 4), target = arp.subspan(24);
    bool probe = std::ranges::all_of(sender, [](uint8_t byte) { return byte == 0; });
    if (!std::ranges::equal(arp.first(8), request) || probe || std::ranges::equal(sender, target))
        return;
    Bytes reply;
    append(reply, sender_mac);
    append(reply, module_mac);
    append_be16(reply, type_arp);
    append(reply, std::array<uint8_t, 8>{0, 1, 0x08, 0x00, 6, 4, 0, 2});
    append(reply, module_mac);
    append(reply, target);
    append(reply, sender_mac);
    append(reply, sender);
    queue_transfer(std::move(reply));
}

} // namespace vmodem
