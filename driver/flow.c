// SPDX-License-Identifier: GPL-2.0
/* Packets that continue each other; flow.h says which do. */
#ifdef __KERNEL__
#include <linux/string.h>
#else
#include <string.h>
#endif

#include "flow.h"

#define IPV4_LEN	20
#define IPV6_LEN	40
#define TCP_LEN		20
#define UDP_LEN		8

#define TCP_PSH		0x08
#define TCP_ACK		0x10

static __u16 get_be16(const __u8 *p)
{
	return p[0] << 8 | p[1];
}

static __u32 get_be32(const __u8 *p)
{
	return (__u32)get_be16(p) << 16 | get_be16(p + 2);
}

/* In whatever byte order: to compare with another. */
static __u32 get_any32(const __u8 *p)
{
	__u32 value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static __u64 get_any64(const __u8 *p)
{
	__u64 value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static bool is_ipv4(const __u8 *packet)
{
	return packet[0] >> 4 == 4;
}

/* Bytes of the IP header if @transport more come right behind it; else 0. */
static size_t ip_header_len(const __u8 *packet, size_t len, size_t transport)
{
	size_t ip = is_ipv4(packet) ? IPV4_LEN : IPV6_LEN;

	if (len < ip + transport)
		return 0;
	/* Of the flags of fragmentation DF alone. */
	if (ip == IPV4_LEN &&
	    (packet[0] != 0x45 || packet[6] & 0xbf || packet[7]))
		return 0;
	return ip;
}

/* The sum over all of it is -0 in one's complement. */
static bool ipv4_checksum_is_right(const __u8 *packet)
{
	__u64 sum = (__u64)get_any32(packet) + get_any32(packet + 4) +
		    get_any32(packet + 8) + get_any32(packet + 12) +
		    get_any32(packet + 16);

	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16 & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	return sum == 0xffff;
}

/* All of the packet is there, and no more. */
static bool ip_is_right(const __u8 *packet, size_t len)
{
	return is_ipv4(packet) ? get_be16(packet + 2) == len &&
					 ipv4_checksum_is_right(packet) :
				 (size_t)get_be16(packet + 4) + IPV6_LEN == len;
}

__u32 qmiq_ports(const __u8 *packet, size_t len)
{
	size_t ip = ip_header_len(packet, len, UDP_LEN);

	return ip ? get_any32(packet + ip) : 0;
}

bool qmiq_tcp_parse(const __u8 *packet, size_t len,
		    struct qmiq_tcp_segment *segment)
{
	size_t ip = ip_header_len(packet, len, TCP_LEN), headers;
	const __u8 *tcp = packet + ip;

	if (!ip || !ip_is_right(packet, len))
		return false;
	headers = ip + (tcp[12] >> 4) * 4;
	if (tcp[12] >> 4 < TCP_LEN / 4 || tcp[12] & 0x0f || headers >= len ||
	    (tcp[13] & ~TCP_PSH) != TCP_ACK)
		return false;

	segment->headers = headers;
	segment->payload = len - headers;
	segment->ports = get_any32(tcp);
	segment->seq = get_be32(tcp + 4);
	segment->id = ip == IPV4_LEN ? get_be16(packet + 4) : 0;
	segment->push = tcp[13] & TCP_PSH;
	return true;
}

static bool same_ip(const __u8 *one, const __u8 *other)
{
	if (!is_ipv4(one))
		/* All but the length. */
		return get_any32(one) == get_any32(other) &&
		       !memcmp(one + 6, other + 6, IPV6_LEN - 6);
	return one[0] == other[0] && one[1] == other[1] &&
	       get_any32(one + 6) == get_any32(other + 6) &&
	       get_any64(one + 12) == get_any64(other + 12);
}

bool qmiq_tcp_same_headers(const __u8 *one, const __u8 *other, size_t headers)
{
	size_t ip = is_ipv4(one) ? IPV4_LEN : IPV6_LEN, at;

	if (!same_ip(one, other))
		return false;
	one += ip;
	other += ip;
	if (get_any32(one) != get_any32(other) ||
	    get_any32(one + 8) != get_any32(other + 8) ||
	    one[12] != other[12] || ((one[13] ^ other[13]) & ~TCP_PSH) ||
	    one[14] != other[14] || one[15] != other[15] ||
	    one[18] != other[18] || one[19] != other[19])
		return false;
	for (at = TCP_LEN; at < headers - ip; at += 4)
		if (get_any32(one + at) != get_any32(other + at))
			return false;
	return true;
}

bool qmiq_udp_parse(const __u8 *packet, size_t len,
		    struct qmiq_udp_datagram *datagram)
{
	size_t ip = ip_header_len(packet, len, UDP_LEN + 1);

	if (!ip || get_be16(packet + ip + 4) != len - ip ||
	    !ip_is_right(packet, len))
		return false;
	datagram->headers = ip + UDP_LEN;
	datagram->payload = len - datagram->headers;
	datagram->ports = get_any32(packet + ip);
	return true;
}

bool qmiq_udp_same_flow(const __u8 *one, const __u8 *other)
{
	size_t ip = is_ipv4(one) ? IPV4_LEN : IPV6_LEN;

	return same_ip(one, other) && get_any32(one + ip) == get_any32(other + ip);
}
