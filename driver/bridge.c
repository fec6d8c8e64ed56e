// SPDX-License-Identifier: GPL-2.0
/*
 * Bridge mode: the PDN's address is used by a host on a LAN that the netdev is
 * bridged with. That host does ARP, which the modem can't answer: the driver
 * does, for every address but the host's own. It learns the host's MAC from
 * what it sends, and addresses DL packets to it.
 */
#include <linux/if_arp.h>
#include <linux/ip.h>
#include <linux/udp.h>
#include <net/arp.h>

#include "qmiq.h"

void qmiq_bridge_init(struct qmiq_bridge *bridge)
{
	spin_lock_init(&bridge->lock);
}

struct qmiq_arp_ipv4 {
	struct arphdr hdr;
	u8 sender_mac[ETH_ALEN];
	__be32 sender_ip;
	u8 target_mac[ETH_ALEN];
	__be32 target_ip;
} __packed;

static void qmiq_bridge_answer_arp(struct qmiq_port *port,
				   const struct sk_buff *skb)
{
	__be32 ours = READ_ONCE(port->bridge.ipv4);
	struct net_device *netdev = port->netdev;
	struct qmiq_arp_ipv4 arp;
	struct sk_buff *reply;

	if (skb_copy_bits(skb, ETH_HLEN, &arp, sizeof(arp)) ||
	    arp.hdr.ar_hrd != htons(ARPHRD_ETHER) ||
	    arp.hdr.ar_pro != htons(ETH_P_IP) ||
	    arp.hdr.ar_hln != ETH_ALEN || arp.hdr.ar_pln != sizeof(__be32) ||
	    arp.hdr.ar_op != htons(ARPOP_REQUEST))
		return;
	/* A probe, an announcement, or a host that has another address. */
	if (!arp.sender_ip || arp.target_ip == arp.sender_ip ||
	    arp.target_ip == ours || (ours && arp.sender_ip != ours))
		return;

	reply = arp_create(ARPOP_REPLY, ETH_P_ARP, arp.sender_ip, netdev,
			   arp.target_ip, arp.sender_mac, qmiq_modem_mac,
			   arp.sender_mac);
	if (!reply)
		return;
	reply->protocol = eth_type_trans(reply, netdev);
	netif_rx(reply);
}

#define QMIQ_DHCP_SERVER_PORT	67

static bool qmiq_bridge_is_dhcp(const struct sk_buff *skb,
				const struct iphdr *ip)
{
	struct udphdr udp;

	return ip->protocol == IPPROTO_UDP &&
	       !skb_copy_bits(skb, ETH_HLEN + ip->ihl * 4, &udp, sizeof(udp)) &&
	       udp.dest == htons(QMIQ_DHCP_SERVER_PORT);
}

static void qmiq_bridge_learn(struct qmiq_port *port,
			      const struct sk_buff *skb,
			      const struct ethhdr *eth)
{
	struct qmiq_bridge *bridge = &port->bridge;
	__be32 ours = READ_ONCE(bridge->ipv4);
	struct iphdr ip;

	if (!is_valid_ether_addr(eth->h_source))
		return;
	if (eth->h_proto == htons(ETH_P_IP)) {
		if (skb_copy_bits(skb, ETH_HLEN, &ip, sizeof(ip)))
			return;
		if (ours && ip.saddr && ip.saddr != ours)
			return;
		/*
		 * From 0.0.0.0 the host asks by DHCP for the address; whatever
		 * else comes from there (IGMP of the bridge) is not its.
		 */
		if (!ip.saddr && !qmiq_bridge_is_dhcp(skb, &ip))
			return;
	} else if (bridge->known ||
		   ether_addr_equal(eth->h_source, port->netdev->dev_addr)) {
		/* The netdev's own IPv6 chatter is no host's either. */
		return;
	}
	spin_lock(&bridge->lock);
	ether_addr_copy(bridge->client, eth->h_source);
	bridge->known = true;
	spin_unlock(&bridge->lock);
}

/**
 * qmiq_bridge_tx() - look at a frame from the LAN
 * @port: in bridge mode
 * @skb: the frame
 *
 * Context: BH.
 * Return: true if @skb was ARP and has been consumed.
 */
bool qmiq_bridge_tx(struct qmiq_port *port, struct sk_buff *skb)
{
	struct ethhdr eth;

	if (skb_copy_bits(skb, 0, &eth, sizeof(eth)))
		return false;
	if (eth.h_proto == htons(ETH_P_ARP)) {
		qmiq_bridge_answer_arp(port, skb);
		dev_consume_skb_any(skb);
		return true;
	}
	qmiq_bridge_learn(port, skb, &eth);
	return false;
}

/**
 * qmiq_bridge_rx() - address a DL packet to the LAN host
 * @port: in bridge mode
 * @eth: header of the packet; broadcast as long as the host is not known
 *
 * Context: BH.
 */
void qmiq_bridge_rx(struct qmiq_port *port, struct ethhdr *eth)
{
	struct qmiq_bridge *bridge = &port->bridge;

	spin_lock(&bridge->lock);
	if (bridge->known)
		ether_addr_copy(eth->h_dest, bridge->client);
	else
		eth_broadcast_addr(eth->h_dest);
	spin_unlock(&bridge->lock);
}
