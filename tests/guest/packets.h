// SPDX-License-Identifier: GPL-2.0
// Packets as neither the virtual modem's network nor a socket would make them.
#pragma once

#include "../modem/ip_packet.h"
#include "bench.h"

namespace guest {

// From the network behind that PDN to this machine.
vmodem::ip::Path path_from(const Pdn &pdn, bool v6);

// The IPv4 header's checksum is for the caller to fill in.
void set_traffic_class(Bytes &packet, uint8_t traffic_class);

// A UDP packet for that port with that payload and the right checksum.
Bytes udp_packet(const vmodem::ip::Path &path, ByteView payload, uint16_t port,
                 uint8_t hop_limit = 64);
// The same for that PDN's host; it may not be fragmented.
Bytes udp_packet(const Pdn &pdn, bool v6, ByteView payload, uint16_t port);

// An IPv6 extension header is what follows its 'next header' byte: its length (in 8 bytes, the
// first not counted), then what it holds.
struct ExtensionHeader {
    uint8_t type;
    Bytes bytes; // their number is a multiple of 8, less 1
};
constexpr uint8_t hop_by_hop = 0, routing_header = 43, fragment_header = 44,
                  destination_options = 60;
// Of that many bytes, with options for an experiment that nobody takes part in.
ExtensionHeader experimental_header(uint8_t type, size_t size);
// Of an IPv6 packet that has none.
Bytes with_extension_headers(const Bytes &packet, const std::vector<ExtensionHeader> &headers);
// Of an IPv4 packet that has none; a multiple of 4 bytes.
Bytes with_options(const Bytes &packet, const Bytes &options);
// An IPv4 or IPv6 packet in two, the first with that much of the payload, a multiple of 8.
std::vector<Bytes> in_fragments(const Bytes &packet, size_t first);

// What a packet socket, or a virtual machine, leaves to be computed: the checksum over all of the
// frame from 'start' on, to be stored 'field' bytes behind that.
struct LeftChecksum {
    uint16_t start, field;
};
constexpr size_t ethernet_header_size = 14;
// A frame as a raw socket sends it: Ethernet header, then these bytes. 0 or the errno.
int send_raw(const std::string &netdev, const Bytes &payload,
             std::optional<LeftChecksum> checksum = {});

} // namespace guest
