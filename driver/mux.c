// SPDX-License-Identifier: GPL-2.0
/*
 * The netdevs: what the stack sees of the master and of the mux netdevs.
 * Ethernet-like without ARP, so that any DHCP client, tcpdump and a bridge
 * work; the headers exist on this side of the driver alone.
 */
#include <linux/if_arp.h>
#include <net/rtnetlink.h>

#include "qmiq.h"
#include "compat/siocdevprivate.h"

/* What the driver does for the stack, and with v5 the module for the driver. */
#define QMIQ_FEATURES	(NETIF_F_RXCSUM | NETIF_F_HW_CSUM | NETIF_F_SG | \
			 NETIF_F_TSO | NETIF_F_TSO6 | NETIF_F_GSO_UDP_L4 | \
			 NETIF_F_LRO)

static void qmiq_stats_add(const struct qmiq_stats *stats, u64 *packets,
			   u64 *bytes, u64 *errors, u64 *dropped)
{
	u64 p, b, e, d;
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&stats->sync);
		p = u64_stats_read(&stats->packets);
		b = u64_stats_read(&stats->bytes);
		e = u64_stats_read(&stats->errors);
		d = u64_stats_read(&stats->dropped);
	} while (u64_stats_fetch_retry(&stats->sync, start));
	*packets += p;
	*bytes += b;
	*errors += e;
	*dropped += d;
}

static void qmiq_get_stats(const struct qmiq_stats *rx,
			   const struct qmiq_stats *tx,
			   struct rtnl_link_stats64 *stats)
{
	qmiq_stats_add(rx, &stats->rx_packets, &stats->rx_bytes,
		       &stats->rx_errors, &stats->rx_dropped);
	qmiq_stats_add(tx, &stats->tx_packets, &stats->tx_bytes,
		       &stats->tx_errors, &stats->tx_dropped);
}

/* RTNL; nothing is added to @from any more. */
static void qmiq_stats_keep(struct qmiq_stats *kept,
			    const struct qmiq_stats *from)
{
	u64 p = 0, b = 0, e = 0, d = 0;

	qmiq_stats_add(from, &p, &b, &e, &d);
	u64_stats_update_begin(&kept->sync);
	u64_stats_add(&kept->packets, p);
	u64_stats_add(&kept->bytes, b);
	u64_stats_add(&kept->errors, e);
	u64_stats_add(&kept->dropped, d);
	u64_stats_update_end(&kept->sync);
}

void qmiq_port_init(struct qmiq_port *port, struct qmiq_dev *q,
		    struct net_device *netdev, u8 mux_id)
{
	port->q = q;
	port->netdev = netdev;
	port->mux_id = mux_id;
	u64_stats_init(&port->rx.sync);
	u64_stats_init(&port->tx.sync);
	qmiq_bridge_init(&port->bridge);
	netdev->hw_features |= QMIQ_FEATURES;
	netdev->features |= QMIQ_FEATURES;
}

/**
 * qmiq_largest_mtu() - of the netdevs that carry packets
 * @q: the module
 *
 * Context: RTNL or tx.lock held.
 */
unsigned int qmiq_largest_mtu(const struct qmiq_dev *q)
{
	unsigned int i, mtu = 0;

	for (i = 0; i < QMIQ_MAX_PDN; i++) {
		const struct qmiq_port *port = qmiq_port_at(q, i);

		if (port)
			mtu = max(mtu, READ_ONCE(port->netdev->mtu));
	}
	return mtu;
}

static int qmiq_mux_open(struct net_device *netdev)
{
	struct qmiq_port *port = netdev_priv(netdev);

	if (!(port->q->netdev->flags & IFF_UP))
		return -ENETDOWN;
	netif_start_queue(netdev);
	return 0;
}

static int qmiq_mux_stop(struct net_device *netdev)
{
	netif_stop_queue(netdev);
	qmiq_tx_stop_port(netdev_priv(netdev));
	return 0;
}

static netdev_tx_t qmiq_port_xmit(struct qmiq_port *port, struct sk_buff *skb)
{
	if (port->bridge.enabled && READ_ONCE(port->attached) &&
	    qmiq_bridge_tx(port, skb)) {
		if (!netdev_xmit_more())
			qmiq_tx_end_batch(port->q);
		return NETDEV_TX_OK;
	}
	return qmiq_tx_packet(port, skb);
}

static netdev_tx_t qmiq_mux_xmit(struct sk_buff *skb, struct net_device *netdev)
{
	return qmiq_port_xmit(netdev_priv(netdev), skb);
}

static int qmiq_mux_change_mtu(struct net_device *netdev, int mtu)
{
	return qmiq_control_set_mtu(netdev_priv(netdev), mtu);
}

static void qmiq_mux_get_stats64(struct net_device *netdev,
				 struct rtnl_link_stats64 *stats)
{
	const struct qmiq_port *port = netdev_priv(netdev);

	qmiq_get_stats(&port->rx, &port->tx, stats);
}

static int qmiq_mux_get_iflink(const struct net_device *netdev)
{
	const struct qmiq_port *port = netdev_priv(netdev);

	return port->q->netdev->ifindex;
}

/* "portname" of ip -d link, which does not know of this kind's own data. */
static int qmiq_mux_get_phys_port_name(struct net_device *netdev, char *name,
				       size_t len)
{
	const struct qmiq_port *port = netdev_priv(netdev);

	return snprintf(name, len, "mux0x%02x", port->mux_id) < len ?
	       0 : -EOPNOTSUPP;
}

/* Segments what qmiq_can_segment(), the stack the rest. */
static netdev_features_t qmiq_features_check(struct sk_buff *skb,
					     struct net_device *netdev,
					     netdev_features_t features)
{
	if (skb_is_gso(skb) && !qmiq_can_segment(skb))
		features &= ~NETIF_F_GSO_MASK;
	return features;
}

static const struct net_device_ops qmiq_mux_ops = {
	.ndo_open		= qmiq_mux_open,
	.ndo_stop		= qmiq_mux_stop,
	.ndo_start_xmit		= qmiq_mux_xmit,
	.ndo_change_mtu		= qmiq_mux_change_mtu,
	.ndo_set_mac_address	= eth_mac_addr,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_get_stats64	= qmiq_mux_get_stats64,
	.ndo_get_iflink		= qmiq_mux_get_iflink,
	.ndo_get_phys_port_name	= qmiq_mux_get_phys_port_name,
	.ndo_features_check	= qmiq_features_check,
};

static int qmiq_link_validate(struct nlattr *tb[], struct nlattr *data[],
			      struct netlink_ext_ack *extack)
{
	NL_SET_ERR_MSG_MOD(extack,
			   "links of this kind are made through the module's own interfaces");
	return -EOPNOTSUPP;
}

static void qmiq_link_del(struct net_device *netdev, struct list_head *list)
{
	qmiq_control_del_port(netdev_priv(netdev), list);
}

static size_t qmiq_link_get_size(const struct net_device *netdev)
{
	return nla_total_size(sizeof(u32));
}

static int qmiq_link_fill_info(struct sk_buff *skb,
			       const struct net_device *netdev)
{
	const struct qmiq_port *port = netdev_priv(netdev);

	return nla_put_u32(skb, QMI_WWAN_Q_IFLA_MUX_ID, port->mux_id);
}

static struct net *qmiq_link_get_net(const struct net_device *netdev)
{
	const struct qmiq_port *port = netdev_priv(netdev);

	return dev_net(port->q->netdev);
}

/* Back to the first network namespace where its own goes. */
static struct rtnl_link_ops qmiq_link_ops __read_mostly = {
	.kind		= KBUILD_MODNAME,
	.netns_refund	= true,
	.validate	= qmiq_link_validate,
	.dellink	= qmiq_link_del,
	.get_size	= qmiq_link_get_size,
	.fill_info	= qmiq_link_fill_info,
	.get_link_net	= qmiq_link_get_net,
};

int __init qmiq_mux_register(void)
{
	return rtnl_link_register(&qmiq_link_ops);
}

void qmiq_mux_unregister(void)
{
	rtnl_link_unregister(&qmiq_link_ops);
}

/* By the type, since a netdev takes but one group of its own. */
static const struct attribute_group *qmiq_mux_groups[] = {
	&qmiq_vendor_mux_group,
	&qmiq_qmi_mux_group,
	NULL,
};

static const struct device_type qmiq_mux_type = {
	.name = "wwan",
	.groups = qmiq_mux_groups,
};

static void qmiq_mux_setup(struct net_device *netdev)
{
	ether_setup(netdev);
	netdev->flags |= IFF_NOARP;
	netdev->min_mtu = QMIQ_MIN_MTU;
	netdev->max_mtu = QMIQ_MAX_MTU;
	netdev->netdev_ops = &qmiq_mux_ops;
	netdev->ethtool_ops = &qmiq_mux_ethtool_ops;
	netdev->rtnl_link_ops = &qmiq_link_ops;
	netdev->needs_free_netdev = true;
	netdev->priv_flags |= IFF_DISABLE_NETPOLL;
	SET_NETDEV_DEVTYPE(netdev, &qmiq_mux_type);
}

/**
 * qmiq_port_attach() - a port's packets pass from now on
 * @port: of the master in modes 0 and 1, else of a mux netdev
 *
 * Context: process, RTNL, or before the master is registered; there is a place
 * in qmiq_dev::ports.
 */
void qmiq_port_attach(struct qmiq_port *port)
{
	struct qmiq_dev *q = port->q;
	unsigned int i = 0;

	spin_lock_bh(&q->tx.lock);
	while (qmiq_port_at(q, i))
		i++;
	WRITE_ONCE(port->attached, true);
	port->flow_off = false;
	rcu_assign_pointer(q->ports[i], port);
	spin_unlock_bh(&q->tx.lock);
	rcu_assign_pointer(q->by_mux[port->mux_id], port);
}

/**
 * qmiq_port_detach() - a port's packets pass no more
 * @port: an attached one
 *
 * GRO may still hold some of those that came.
 *
 * Context: process, RTNL.
 */
void qmiq_port_detach(struct qmiq_port *port)
{
	struct qmiq_dev *q = port->q;
	unsigned int i = 0;

	RCU_INIT_POINTER(q->by_mux[port->mux_id], NULL);
	spin_lock_bh(&q->tx.lock);
	while (qmiq_port_at(q, i) != port)
		i++;
	RCU_INIT_POINTER(q->ports[i], NULL);
	WRITE_ONCE(port->attached, false);
	/* A master stays: it drops what it is given. */
	if (qmiq_tx_drop_unsent(port))
		netif_wake_queue(port->netdev);
	spin_unlock_bh(&q->tx.lock);
}

/*
 * A name that says which mux netdev this is: wwan0.1 for PDN 1, wwan0.m7 for
 * an id that is no PDN's. It never changes, so udev is to let it be.
 */
static unsigned char qmiq_mux_name(const struct qmiq_dev *q, u8 mux_id,
				   char *name)
{
	unsigned int pdn = mux_id - QMAP_MUX_BASE;
	bool is_pdn = pdn >= 1 && pdn <= QMIQ_MAX_PDN;

	if (snprintf(name, IFNAMSIZ, "%s%s%s%u", q->netdev->name,
		     qmiq_param_separator, is_pdn ? "" : "m",
		     is_pdn ? pdn : mux_id) < IFNAMSIZ &&
	    !__dev_get_by_name(dev_net(q->netdev), name))
		return NET_NAME_PREDICTABLE;
	/* Taken where an earlier module's master was renamed after this. */
	strscpy(name, "qmimux%d", IFNAMSIZ);
	return NET_NAME_ENUM;
}

/**
 * qmiq_mux_create() - make a mux netdev, not attached yet
 * @q: the module
 * @mux_id: one that no netdev has
 *
 * Context: process, RTNL, master registered.
 * Return: its port or an ERR_PTR.
 */
struct qmiq_port *qmiq_mux_create(struct qmiq_dev *q, u8 mux_id)
{
	unsigned int pdn = mux_id - QMAP_MUX_BASE;
	struct net_device *netdev;
	struct qmiq_port *port;
	unsigned char assigned;
	char name[IFNAMSIZ];
	int err;

	assigned = qmiq_mux_name(q, mux_id, name);
	netdev = alloc_netdev(sizeof(*port), name, assigned, qmiq_mux_setup);
	if (!netdev)
		return ERR_PTR(-ENOMEM);
	port = netdev_priv(netdev);
	qmiq_port_init(port, q, netdev, mux_id);
	if (pdn >= 1 && pdn <= QMIQ_MAX_PDN)
		port->bridge.enabled = qmiq_param_bridge_mode & BIT(pdn - 1);
	dev_net_set(netdev, dev_net(q->netdev));
	eth_hw_addr_set(netdev, q->netdev->dev_addr);
	netdev->addr_assign_type = NET_ADDR_STOLEN;
	SET_NETDEV_DEV(netdev, &q->netdev->dev);
	netif_carrier_off(netdev);

	err = register_netdevice(netdev);
	if (err) {
		netdev_err(q->netdev, "can't register %s: %d\n", name, err);
		free_netdev(netdev);
		return ERR_PTR(err);
	}
	err = netdev_upper_dev_link(q->netdev, netdev, NULL);
	if (err) {
		unregister_netdevice(netdev);
		return ERR_PTR(err);
	}
	dev_info(&q->netdev->dev, "qmap_register_device %s\n", netdev->name);
	return port;
}

/**
 * qmiq_mux_destroy() - undo qmiq_mux_create()
 * @port: of a mux netdev; detached, and flushed if it ever was attached
 * @list: of unregister_netdevice_many(), which the caller calls
 *
 * Context: process, RTNL.
 */
void qmiq_mux_destroy(struct qmiq_port *port, struct list_head *list)
{
	qmiq_stats_keep(&port->q->gone_rx, &port->rx);
	qmiq_stats_keep(&port->q->gone_tx, &port->tx);
	netdev_upper_dev_unlink(port->q->netdev, port->netdev);
	unregister_netdevice_queue(port->netdev, list);
}

/* The master is going down; RTNL. */
void qmiq_mux_close_all(struct qmiq_dev *q)
{
	unsigned int i;

	for (i = 0; i < QMIQ_MAX_PDN; i++) {
		struct qmiq_port *port = qmiq_port_at(q, i);

		if (port && port != &q->master)
			dev_close(port->netdev);
	}
}

static netdev_tx_t qmiq_master_xmit(struct sk_buff *skb,
				    struct net_device *netdev)
{
	struct qmiq_dev *q = qmiq_of_master(netdev);

	/* No Ethernet frame, that a LAN host could have sent. */
	if (q->pass_through)
		return qmiq_tx_packet(&q->master, skb);
	return qmiq_port_xmit(&q->master, skb);
}

static int qmiq_master_change_mtu(struct net_device *netdev, int mtu)
{
	return qmiq_control_set_mtu(&qmiq_of_master(netdev)->master, mtu);
}

/* The master's own packets, and those of all its mux netdevs. */
static void qmiq_master_get_stats64(struct net_device *netdev,
				    struct rtnl_link_stats64 *stats)
{
	struct qmiq_dev *q = qmiq_of_master(netdev);
	struct qmiq_port *port;
	unsigned int i;

	qmiq_get_stats(&q->master.rx, &q->master.tx, stats);
	qmiq_get_stats(&q->gone_rx, &q->gone_tx, stats);
	rcu_read_lock();
	for (i = 0; i < QMIQ_MAX_PDN; i++) {
		port = rcu_dereference(q->ports[i]);
		if (port && port != &q->master)
			qmiq_get_stats(&port->rx, &port->tx, stats);
	}
	rcu_read_unlock();
}

/* 802.3: a frame must not start like an IP packet. */
static int qmiq_master_set_mac(struct net_device *netdev, void *address)
{
	const struct sockaddr *addr = address;

	if (qmiq_of_master(netdev)->home == 0 && addr->sa_data[0] & 0x40)
		return -EADDRNOTAVAIL;
	return eth_mac_addr(netdev, address);
}

static const struct net_device_ops qmiq_master_ops = {
	.ndo_open		= qmiq_open,
	.ndo_stop		= qmiq_stop,
	.ndo_start_xmit		= qmiq_master_xmit,
	.ndo_change_mtu		= qmiq_master_change_mtu,
	.ndo_set_mac_address	= qmiq_master_set_mac,
	.ndo_validate_addr	= eth_validate_addr,
	.ndo_get_stats64	= qmiq_master_get_stats64,
	.ndo_siocdevprivate	= qmiq_vendor_ioctl,
	.ndo_features_check	= qmiq_features_check,
};

static const struct attribute_group *qmiq_master_groups[] = {
	&qmiq_vendor_master_group,
	&qmiq_qmi_master_group,
	NULL,
};

static const struct device_type qmiq_master_type = {
	.name = "wwan",
	.groups = qmiq_master_groups,
};

/* Whether the module answers ARP; RTNL. */
void qmiq_master_set_arp(struct qmiq_dev *q, bool arp)
{
	if (arp)
		q->netdev->flags &= ~IFF_NOARP;
	else
		q->netdev->flags |= IFF_NOARP;
}

/**
 * qmiq_master_set_type() - Ethernet, or what takes MAP frames as they are
 * @q: the module
 * @map: the latter; as the in-tree driver has it, since rmnet looks for an
 *	Ethernet header on whatever is Ethernet
 *
 * Context: process, RTNL, the master down.
 * Return: 0 or the refusal of somebody who is concerned, then nothing changed.
 */
int qmiq_master_set_type(struct qmiq_dev *q, bool map)
{
	struct net_device *netdev = q->netdev;
	int err = call_netdevice_notifiers(NETDEV_PRE_TYPE_CHANGE, netdev);

	err = notifier_to_errno(err);
	if (err)
		return err;
	if (map) {
		netdev->header_ops = NULL;
		netdev->type = ARPHRD_NONE;
		netdev->hard_header_len = 0;
		netdev->min_header_len = 0;
		netdev->addr_len = 0;
		netdev->flags |= IFF_POINTOPOINT;
		netdev->flags &= ~IFF_BROADCAST;
	} else {
		netdev->header_ops = q->header_ops;
		netdev->type = ARPHRD_ETHER;
		netdev->hard_header_len = ETH_HLEN;
		netdev->min_header_len = ETH_HLEN;
		netdev->addr_len = ETH_ALEN;
		netdev->flags |= IFF_BROADCAST;
		netdev->flags &= ~IFF_POINTOPOINT;
	}
	call_netdevice_notifiers(NETDEV_POST_TYPE_CHANGE, netdev);
	return 0;
}

/**
 * qmiq_master_setup() - make the netdev of usbnet ours
 * @q: the module
 *
 * Context: process, before the master is registered.
 */
void qmiq_master_setup(struct qmiq_dev *q)
{
	struct net_device *netdev = q->netdev;

	netdev->netdev_ops = &qmiq_master_ops;
	netdev->ethtool_ops = &qmiq_master_ethtool_ops;
	q->header_ops = netdev->header_ops;
	SET_NETDEV_DEVTYPE(netdev, &qmiq_master_type);
	strscpy(netdev->name, "wwan%d", sizeof(netdev->name));
	netdev->priv_flags |= IFF_DISABLE_NETPOLL;
	netdev->min_mtu = QMIQ_MIN_MTU;
	/* usbnet clamps max_mtu to what it takes for the transfer size. */
	netdev->max_mtu = QMIQ_MAX_MTU;
	q->usbnet->hard_mtu = QMIQ_MAX_MTU + ETH_HLEN;
	qmiq_port_init(&q->master, q, netdev, 0);
	u64_stats_init(&q->gone_rx.sync);
	u64_stats_init(&q->gone_tx.sync);
}

bool qmiq_is_master(const struct net_device *netdev)
{
	return netdev->netdev_ops == &qmiq_master_ops;
}

/* The port of a netdev of ours, master or mux. */
struct qmiq_port *qmiq_port_of(struct net_device *netdev)
{
	if (netdev->netdev_ops == &qmiq_mux_ops)
		return netdev_priv(netdev);
	return &qmiq_of_master(netdev)->master;
}
