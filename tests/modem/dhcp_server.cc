// SPDX-License-Identifier: GPL-2.0
#include "dhcp_server.h"
#include "ip_wire.h"

#include <algorithm>
#include <initializer_list>

namespace vmodem::ip {

namespace {

enum Type : uint8_t { discover = 1, offer, request, decline, ack, nak, release, inform };

enum Option : uint8_t {
    subnet_mask = 1,
    router = 3,
    dns = 6,
    interface_mtu = 26,
    requested_address = 50,
    lease_time = 51,
    message_type = 53,
    server_id = 54,
    renewal_time = 58,
    rebinding_time = 59,
    client_id = 61,
    end_of_options = 255,
};

constexpr size_t fixed_part = 240; // up to and with the magic cookie
constexpr size_t smallest_message = 300;
constexpr uint32_t magic_cookie = 0x63825363;
constexpr uint32_t broadcast = 0xffffffff;

struct Query {
    uint8_t type = 0;
    uint32_t client = 0; // ciaddr
    bool broadcast = false;
    std::optional<uint32_t> requested, server;
    ByteView client_id;
};

std::optional<Query> parse(ByteView message) {
    if (message.size() < fixed_part || message[0] != 1 || message[2] > 16 ||
        load32(&message[236]) != magic_cookie)
        return std::nullopt;
    Query query;
    query.client = load32(&message[12]);
    query.broadcast = (message[10] & 0x80) != 0;
    for (size_t at = fixed_part; at < message.size();) {
        uint8_t code = message[at++];
        if (code == 0)
            continue;
        if (code == end_of_options)
            return query.type ? std::optional(query) : std::nullopt;
        if (at == message.size() || message[at] > message.size() - at - 1)
            return std::nullopt;
        ByteView value = message.subspan(at + 1, message[at]);
        at += 1 + value.size();
        if (code == message_type && value.size() == 1)
            query.type = value[0];
        else if (code == requested_address && value.size() == 4)
            query.requested = load32(value.data());
        else if (code == server_id && value.size() == 4)
            query.server = load32(value.data());
        else if (code == client_id)
            query.client_id = value;
        else if (code == message_type || code == requested_address || code == server_id)
            return std::nullopt;
    }
    return std::nullopt; // no end
}

class Builder {
  public:
    Builder(ByteView question, Type type) : message_(fixed_part) {
        message_[0] = 2;
        std::copy_n(&question[1], 7, &message_[1]);    // htype, hlen, hops, xid
        message_[3] = 0;                               // hops
        std::copy_n(&question[10], 2, &message_[10]);  // flags
        std::copy_n(&question[24], 20, &message_[24]); // giaddr, chaddr
        store32(&message_[236], magic_cookie);
        add(message_type, std::initializer_list<uint8_t>{type});
    }
    uint8_t *fixed(size_t offset) { return &message_[offset]; }
    void add(Option code, ByteView value) {
        message_.push_back(code);
        message_.push_back(uint8_t(value.size()));
        message_.insert(message_.end(), value.begin(), value.end());
    }
    void add(Option code, std::initializer_list<uint8_t> value) {
        add(code, ByteView(value.begin(), value.size()));
    }
    void add_words(Option code, std::initializer_list<uint32_t> words) {
        Bytes value(words.size() * 4);
        uint8_t *p = value.data();
        for (uint32_t word : words) {
            store32(p, word);
            p += 4;
        }
        add(code, value);
    }
    Bytes finish() {
        message_.push_back(end_of_options);
        message_.resize(std::max(message_.size(), smallest_message));
        return std::move(message_);
    }

  private:
    Bytes message_;
};

// What a REQUEST deserves; none: it is meant for another server.
std::optional<Type> judge_request(const Query &query, const PdnAddressing &addressing) {
    if (query.server) { // selecting an offer
        if (*query.server != addressing.ipv4_gateway || query.client != 0 || !query.requested)
            return std::nullopt;
        return *query.requested == addressing.ipv4_host ? ack : nak;
    }
    if (query.requested) // remembers an address from before
        return query.client == 0 && *query.requested == addressing.ipv4_host ? ack : nak;
    return query.client == addressing.ipv4_host ? ack : nak; // renewing, rebinding
}

} // namespace

std::optional<DhcpServer::Reply> DhcpServer::answer(ByteView message) const {
    std::optional<Query> query = parse(message);
    if (!query)
        return std::nullopt;
    Type type;
    if (query->type == discover) {
        type = offer;
    } else if (query->type == inform && query->client != 0) {
        type = ack;
    } else if (query->type == request) {
        std::optional<Type> verdict = judge_request(*query, addressing_);
        if (!verdict)
            return std::nullopt;
        type = *verdict;
    } else {
        return std::nullopt;
    }

    bool lease = type != nak && query->type != inform;
    Builder builder(message, type);
    builder.add_words(server_id, {addressing_.ipv4_gateway});
    if (lease) {
        store32(builder.fixed(16), addressing_.ipv4_host); // yiaddr
        builder.add_words(lease_time, {lease_seconds});
        builder.add_words(renewal_time, {lease_seconds / 2});
        builder.add_words(rebinding_time, {lease_seconds / 8 * 7});
    }
    if (type != nak) {
        store32(builder.fixed(12), query->type == discover ? 0 : query->client); // ciaddr
        builder.add_words(subnet_mask, {addressing_.ipv4_netmask});
        builder.add_words(router, {addressing_.ipv4_gateway});
        builder.add_words(dns, {addressing_.ipv4_dns1, addressing_.ipv4_dns2});
        builder.add(interface_mtu, {uint8_t(addressing_.mtu >> 8), uint8_t(addressing_.mtu)});
    }
    if (!query->client_id.empty())
        builder.add(client_id, query->client_id);

    uint32_t destination = addressing_.ipv4_host;
    if (type == nak)
        destination = broadcast;
    else if (query->client != 0)
        destination = query->client;
    else if (query->broadcast)
        destination = broadcast;
    return Reply{builder.finish(), destination, lease && type == ack};
}

} // namespace vmodem::ip
