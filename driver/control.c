// SPDX-License-Identifier: GPL-2.0
/*
 * Every change of a module's state, whichever interface asks for it: checks,
 * order and locks are here, and all or nothing is changed.
 *
 * Context of all: process, RTNL held, unless said otherwise.
 */
#include "qmiq.h"

#define QMIQ_LINK_PDN_MASK	0x7f
#define QMIQ_LINK_DOWN		0x80
/* Endpoint type as WDA codes it. */
#define QMIQ_EP_HSUSB		2

/* Mode that a module of this kind gets when @wanted is asked for. */
static unsigned int qmiq_control_mode(const struct qmiq_dev *q,
				      unsigned int wanted)
{
	if (q->family->version == QMAP_NONE)
		return 0;
	if (!wanted && (q->family->qmap_only ||
			q->usbnet->udev->speed >= USB_SPEED_SUPER))
		return 1;
	return wanted;
}

/* What the driver sends until the module shows that it talks otherwise. */
static void qmiq_tell_framing(struct qmiq_dev *q, bool ethernet)
{
	spin_lock_bh(&q->tx.lock);
	q->told_ethernet = ethernet;
	WRITE_ONCE(q->ethernet, ethernet);
	spin_unlock_bh(&q->tx.lock);
	qmiq_master_set_arp(q, ethernet);
	qmiq_tx_configure(q);
}

/**
 * qmiq_control_init() - first state of a module
 * @q: the module
 * @mode: as the module parameter says
 *
 * No RTNL: the master is not registered yet.
 */
void qmiq_control_init(struct qmiq_dev *q, unsigned int mode)
{
	q->mode = qmiq_control_mode(q, mode);
	if (q->mode != mode)
		dev_info(&q->intf->dev, "qmap_mode %u -> %u: %s module%s\n",
			 mode, q->mode, q->family->name,
			 q->usbnet->udev->speed >= USB_SPEED_SUPER ?
			 " at SuperSpeed" : "");
	q->version = q->mode ? q->family->version : QMAP_NONE;
	q->rx_urb_size = q->mode ? q->family->dl_size : QMIQ_RAW_URB_SIZE;
	qmiq_master_setup(q);
	qmiq_tell_framing(q, q->family->ethernet);
	qmiq_control_forget(q);

	/*
	 * With one PDN many clients never tell the link state: up until told
	 * otherwise. With several each starts down.
	 */
	if (q->mode <= 1)
		q->link_state = 1;
	else
		netif_carrier_off(q->netdev);
}

/**
 * qmiq_control_start() - the master is registered: make its mux netdevs
 * @q: the module
 *
 * Return: 0 or a negative errno, then there are none.
 */
int qmiq_control_start(struct qmiq_dev *q)
{
	unsigned int pdn;
	int err;

	ASSERT_RTNL();
	for (pdn = 1; q->mode > 1 && pdn <= q->mode; pdn++) {
		err = qmiq_mux_add(q, pdn);
		if (err) {
			qmiq_mux_remove_all(q);
			return err;
		}
	}
	qmiq_tx_configure(q);
	dev_info(&q->intf->dev, "rx_urb_size = %u\n", q->rx_urb_size);
	return 0;
}

/**
 * qmiq_control_stop() - the module is going: no netdev but the master is left
 * @q: the module
 */
void qmiq_control_stop(struct qmiq_dev *q)
{
	ASSERT_RTNL();
	/*
	 * GRO holds packets of mux netdevs on lists of the master's: no poll
	 * may deliver them once these are gone.
	 */
	q->leaving = true;
	dev_close(q->netdev);
	qmiq_mux_remove_all(q);
}

/* False between the registration of the master and that of its PDNs. */
static bool qmiq_is_started(const struct qmiq_dev *q)
{
	return q->nr_pdn;
}

static void qmiq_set_carrier(struct net_device *netdev, bool up)
{
	if (up)
		netif_carrier_on(netdev);
	else
		netif_carrier_off(netdev);
}

/**
 * qmiq_control_set_link() - a PDN came up or went down
 * @q: the module
 * @value: as QMI_WWAN_Q_IOC_LINK_STATE takes it
 *
 * Return: 0; -EINVAL: there is no such PDN.
 */
int qmiq_control_set_link(struct qmiq_dev *q, u32 value)
{
	unsigned int pdn = value & QMIQ_LINK_PDN_MASK;
	bool up = !(value & QMIQ_LINK_DOWN);
	struct qmiq_port *port;

	ASSERT_RTNL();
	if (q->mode <= 1) {
		pdn = 1;
		up = value;
	} else if (value & ~(QMIQ_LINK_PDN_MASK | QMIQ_LINK_DOWN)) {
		return -EINVAL;
	}
	if (pdn < 1 || pdn > q->nr_pdn)
		return -EINVAL;

	port = q->pdn[pdn - 1];
	WRITE_ONCE(q->link_state, up ? q->link_state | BIT(pdn - 1) :
				       q->link_state & ~BIT(pdn - 1));

	/* A new call starts with the flow on. */
	local_bh_disable();
	if (up && !netif_carrier_ok(port->netdev))
		qmiq_tx_set_flow(port, false);
	local_bh_enable();
	qmiq_set_carrier(port->netdev, up);
	qmiq_set_carrier(q->netdev, q->link_state);
	return 0;
}

/* DL URBs only grow: a module may send less than agreed, not more. */
static void qmiq_grow_rx(struct qmiq_dev *q, u32 size)
{
	if (size <= q->rx_urb_size)
		return;
	WRITE_ONCE(q->rx_urb_size, size);
	/* URBs are resubmitted at the new size. */
	qmiq_rx_pause(q);
	qmiq_rx_resume(q);
}

/**
 * qmiq_control_set_format() - take over what WDA agreed with the module
 * @q: the module
 * @format: untrusted
 *
 * Return: 0; -EINVAL: a value is out of range; -EOPNOTSUPP: mode 0; -EAGAIN:
 * the module is still being set up.
 */
int qmiq_control_set_format(struct qmiq_dev *q,
			    const struct qmi_wwan_q_format *format)
{
	bool aggregate = format->ul_max_datagrams > 1;
	u32 least = qmap_data_frame_len(q->version, qmiq_largest_mtu(q));

	ASSERT_RTNL();
	if (q->version == QMAP_NONE)
		return -EOPNOTSUPP;
	if (!qmiq_is_started(q))
		return -EAGAIN;
	/* An answer to the longest MUX command must fit as well. */
	least = max_t(u32, least, QMAP_HDR_LEN + QMAP_CMD_MAX_LEN);
	if (format->size != sizeof(*format) ||
	    format->rx_urb_size > QMIQ_MAX_RX_SIZE ||
	    format->dl_minimum_padding > U8_MAX)
		return -EINVAL;
	if (aggregate && (format->ul_max_size < least ||
			  format->ul_max_size > QMIQ_MAX_RX_SIZE)) {
		netdev_dbg(q->netdev,
			   "ul_max_size %u is not within %u to %u\n",
			   format->ul_max_size, least, QMIQ_MAX_RX_SIZE);
		return -EINVAL;
	}

	spin_lock_bh(&q->tx.lock);
	q->format.ul_max_datagrams = aggregate ? format->ul_max_datagrams : 1;
	q->format.ul_max_size = !aggregate ? 0 :
				min_t(u32, format->ul_max_size,
				      QMIQ_MAX_TX_SIZE);
	WRITE_ONCE(q->format.dl_padding, format->dl_minimum_padding);
	spin_unlock_bh(&q->tx.lock);
	qmiq_tx_configure(q);
	qmiq_grow_rx(q, format->rx_urb_size);
	netdev_info(q->netdev,
		    "ul_data_aggregation_max_datagrams=%u, ul_data_aggregation_max_size=%u, dl_minimum_padding=%u\n",
		    q->format.ul_max_datagrams, q->format.ul_max_size,
		    q->format.dl_padding);
	return 0;
}

/**
 * qmiq_control_forget() - the module was reset: it has agreed to nothing
 * @q: the module
 *
 * No RTNL: a netdev that is being opened may have woken the module.
 */
void qmiq_control_forget(struct qmiq_dev *q)
{
	spin_lock_bh(&q->tx.lock);
	WRITE_ONCE(q->ethernet, q->told_ethernet);
	ether_addr_copy(q->peer_mac, qmiq_modem_mac);
	q->format.ul_max_datagrams = 1;
	q->format.ul_max_size = 0;
	WRITE_ONCE(q->format.dl_padding, 0);
	spin_unlock_bh(&q->tx.lock);
	qmiq_tx_configure(q);
	qmiq_tx_forget(q);
}

/**
 * qmiq_control_set_mtu() - change a netdev's MTU
 * @port: of the netdev
 * @mtu: within its min_mtu and max_mtu
 *
 * Return: 0; -EINVAL: a packet would not fit an UL aggregate as agreed.
 */
int qmiq_control_set_mtu(struct qmiq_port *port, int mtu)
{
	struct qmiq_dev *q = port->q;
	bool data = port != &q->master || q->mode <= 1;
	/* Without packets of its own the master has the DL aggregate's size. */
	bool transfers = !data || q->pass_through;

	ASSERT_RTNL();
	if (data && q->format.ul_max_datagrams > 1 &&
	    qmap_data_frame_len(q->version, mtu) > q->format.ul_max_size) {
		netdev_info(port->netdev,
			    "MTU %d does not fit the UL aggregate of %u bytes\n",
			    mtu, q->format.ul_max_size);
		return -EINVAL;
	}
	WRITE_ONCE(port->netdev->mtu, mtu);
	qmiq_tx_configure(q);
	qmiq_grow_rx(q, transfers ? mtu :
				    mtu + max(ETH_HLEN, QMAP_MAX_OVERHEAD));
	return 0;
}

static void qmiq_set_ethernet(struct qmiq_dev *q, bool ethernet)
{
	spin_lock(&q->tx.lock);
	WRITE_ONCE(q->ethernet, ethernet);
	spin_unlock(&q->tx.lock);
	qmiq_tx_configure(q);
	if (net_ratelimit())
		netdev_info(q->netdev,
			    "the module sends %s: so does the driver now\n",
			    ethernet ? "802.3 frames" : "raw IP packets");
}

/**
 * qmiq_control_hear_ethernet() - the module has sent an 802.3 frame
 * @q: the module, in mode 0
 * @source: its address
 *
 * The driver follows a module that answers in a framing other than what it
 * was told.
 *
 * Context: NAPI; no RTNL.
 */
void qmiq_control_hear_ethernet(struct qmiq_dev *q, const u8 *source)
{
	if (unlikely(!q->ethernet))
		qmiq_set_ethernet(q, true);
	if (likely(ether_addr_equal(q->peer_mac, source)))
		return;
	spin_lock(&q->tx.lock);
	ether_addr_copy(q->peer_mac, source);
	spin_unlock(&q->tx.lock);
}

/**
 * qmiq_control_hear_ip() - the module has sent a raw IP packet
 * @q: the module, in mode 0
 *
 * Firmware that talks 802.3 sends some without meaning it.
 *
 * Context: NAPI; no RTNL.
 */
void qmiq_control_hear_ip(struct qmiq_dev *q)
{
	if (unlikely(q->ethernet && !q->told_ethernet))
		qmiq_set_ethernet(q, false);
}

/**
 * qmiq_control_get_info() - what dialling programs are told
 * @q: the module
 * @info: filled in
 *
 * Return: 0; -EOPNOTSUPP: mode 0; -EAGAIN: the module is still being set up.
 */
int qmiq_control_get_info(struct qmiq_dev *q, struct qmi_wwan_q_info *info)
{
	unsigned int i;

	ASSERT_RTNL();
	if (q->version == QMAP_NONE)
		return -EOPNOTSUPP;
	if (!qmiq_is_started(q))
		return -EAGAIN;
	*info = (struct qmi_wwan_q_info) {
		.size = sizeof(*info),
		.rx_urb_size = q->rx_urb_size,
		.ep_type = QMIQ_EP_HSUSB,
		.iface_id = q->intf->cur_altsetting->desc.bInterfaceNumber,
		.qmap_mode = q->mode,
		.qmap_version = q->version,
		.dl_minimum_padding = q->format.dl_padding,
	};
	for (i = 0; i < q->nr_pdn; i++) {
		strscpy(info->ifname[i], q->pdn[i]->netdev->name, IFNAMSIZ);
		info->mux_id[i] = q->pdn[i]->mux_id;
	}
	return 0;
}

int qmiq_control_set_bridge_mode(struct qmiq_port *port, u32 enabled)
{
	ASSERT_RTNL();
	WRITE_ONCE(port->bridge.enabled, enabled);
	return 0;
}

int qmiq_control_set_bridge_ipv4(struct qmiq_port *port, u32 address)
{
	ASSERT_RTNL();
	WRITE_ONCE(port->bridge.ipv4, htonl(address));
	return 0;
}

/**
 * qmiq_control_set_raw_ip() - the framing agreed with a module in mode 0
 * @port: the master's
 * @raw_ip: raw IP, else 802.3
 *
 * Return: 0; -EINVAL: QMAP carries raw IP alone; -EBUSY: the master is up.
 */
int qmiq_control_set_raw_ip(struct qmiq_port *port, u32 raw_ip)
{
	struct qmiq_dev *q = port->q;

	ASSERT_RTNL();
	if (raw_ip != q->ethernet && raw_ip != q->told_ethernet)
		return 0;
	if (!raw_ip && (q->mode || q->pass_through))
		return -EINVAL;
	if (q->netdev->flags & IFF_UP)
		return -EBUSY;
	qmiq_tell_framing(q, !raw_ip);
	return 0;
}

/**
 * qmiq_control_set_pass_through() - leave QMAP to what is stacked on the master
 * @port: the master's
 * @on: do so
 *
 * Return: 0; -EINVAL: the module does no QMAP, or in 802.3; -EBUSY: the master
 * is up, or has mux netdevs or others on top; or the refusal of one that is
 * concerned by the change of the netdev's type.
 */
int qmiq_control_set_pass_through(struct qmiq_port *port, u32 on)
{
	struct qmiq_dev *q = port->q;
	int err;

	ASSERT_RTNL();
	if (on == q->pass_through)
		return 0;
	if (q->ethernet || q->family->version == QMAP_NONE)
		return -EINVAL;
	if (q->netdev->flags & IFF_UP || netdev_has_any_upper_dev(q->netdev))
		return -EBUSY;
	err = qmiq_master_set_type(q, on);
	if (err)
		return err;

	spin_lock_bh(&q->tx.lock);
	WRITE_ONCE(q->pass_through, on);
	q->version = on || !q->mode ? QMAP_NONE : q->family->version;
	spin_unlock_bh(&q->tx.lock);
	qmiq_tx_configure(q);
	qmiq_grow_rx(q, q->family->dl_size);
	return 0;
}
