/* SPDX-License-Identifier: GPL-2.0 */
/* Lengths and the transport checksum of TCP and UDP, whichever IP they are on. */
#ifndef QMIQ_IP_CHECKSUM_H
#define QMIQ_IP_CHECKSUM_H

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <net/checksum.h>
#include <net/ip.h>
#include <net/ip6_checksum.h>

/**
 * qmiq_set_ip_len() - say anew how long a packet is
 * @network: IPv4 header without options, whose checksum follows, or IPv6 header
 * @len: bytes of the packet
 *
 * Return: bytes of the header.
 */
static inline unsigned int qmiq_set_ip_len(void *network, unsigned int len)
{
	struct ipv6hdr *ipv6 = network;
	struct iphdr *ipv4 = network;

	if (ipv4->version == 4) {
		ipv4->tot_len = htons(len);
		ip_send_check(ipv4);
		return sizeof(*ipv4);
	}
	ipv6->payload_len = htons(len - sizeof(*ipv6));
	return sizeof(*ipv6);
}

/**
 * qmiq_transport_sum() - put the pseudo-header to a sum, and fold it
 * @network: IPv4 or IPv6 header
 * @len: bytes of the transport header and of what is behind it
 * @protocol: IPPROTO_TCP or IPPROTO_UDP
 * @sum: over these bytes; 0 if that is somebody else's work
 *
 * Return: as csum_tcpudp_magic(): the checksum, or 0 if @sum has it and it is
 * right.
 */
static inline __sum16 qmiq_transport_sum(const void *network, u32 len,
					 u8 protocol, __wsum sum)
{
	const struct ipv6hdr *ipv6 = network;
	const struct iphdr *ipv4 = network;

	return ipv4->version == 4 ?
	       csum_tcpudp_magic(ipv4->saddr, ipv4->daddr, len, protocol, sum) :
	       csum_ipv6_magic(&ipv6->saddr, &ipv6->daddr, len, protocol, sum);
}

/**
 * qmiq_checksum_is_right() - look at the transport checksum itself
 * @packet: one that qmiq_tcp_parse() or qmiq_udp_parse() accepts
 * @len: bytes
 * @protocol: IPPROTO_TCP or IPPROTO_UDP
 */
static inline bool qmiq_checksum_is_right(const u8 *packet, size_t len,
					  u8 protocol)
{
	bool ipv4 = packet[0] >> 4 == 4;
	size_t header = ipv4 ? sizeof(struct iphdr) : sizeof(struct ipv6hdr);
	const struct udphdr *udp = (const void *)packet + header;

	/* UDP need not have one on IPv4, and must on IPv6. */
	if (protocol == IPPROTO_UDP && !udp->check)
		return ipv4;
	len -= header;
	return !qmiq_transport_sum(packet, len, protocol,
				   csum_partial(udp, len, 0));
}

#endif
