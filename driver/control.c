// SPDX-License-Identifier: GPL-2.0
/*
 * Every change of a module's state, whichever interface asks for it: checks,
 * order and locks are here, and all or nothing is changed.
 *
 * Context of all: process, RTNL held, unless said otherwise.
 */
#include <linux/netlink.h>

#include "qmiq.h"

#define QMIQ_LINK_PDN_MASK	0x7f
#define QMIQ_LINK_DOWN		0x80
/* A module that changes its mind all the time is not told of each time. */
#define QMIQ_TELL_DELAY		msecs_to_jiffies(100)
/* Mode of a module that got its mux netdevs one by one. */
#define QMIQ_MODE_MUXED		2

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

/* tx.lock held. What was told, without effect on QMAP, which carries raw IP. */
static void qmiq_use_told_framing(struct qmiq_dev *q)
{
	WRITE_ONCE(q->ethernet, q->told_ethernet && !q->mode);
}

/* What the driver sends until the module shows that it talks otherwise. */
static void qmiq_tell_framing(struct qmiq_dev *q, bool ethernet)
{
	spin_lock_bh(&q->tx.lock);
	WRITE_ONCE(q->told_ethernet, ethernet);
	qmiq_use_told_framing(q);
	spin_unlock_bh(&q->tx.lock);
	qmiq_master_set_arp(q, q->ethernet);
	qmiq_tx_configure(q);
}

/* DL URBs hold an aggregate as the family sends it, or the longest packet. */
static u32 qmiq_rx_size_of(const struct qmiq_dev *q, unsigned int mode)
{
	unsigned int mtu = max(q->netdev->mtu, qmiq_largest_mtu(q));

	return max_t(u32, mode ? q->family->dl_size : QMIQ_RAW_URB_SIZE,
		     mtu + max(ETH_HLEN, QMAP_MAX_OVERHEAD));
}

/* The module has agreed to nothing; no RTNL. */
static void qmiq_forget_format(struct qmiq_dev *q)
{
	spin_lock_bh(&q->tx.lock);
	WRITE_ONCE(q->version, q->mode && !q->pass_through ?
			       q->family->version : QMAP_NONE);
	qmiq_use_told_framing(q);
	ether_addr_copy(q->peer_mac, qmiq_modem_mac);
	q->agreed = false;
	q->format.ul_max_datagrams = 1;
	q->format.ul_max_size = 0;
	WRITE_ONCE(q->format.dl_padding, 0);
	spin_unlock_bh(&q->tx.lock);
	qmiq_tx_configure(q);
	qmiq_tx_forget(q);
}

/*
 * Everything but the mux netdevs as it is at the start in @mode. No packet
 * moves meanwhile, and the master is not attached.
 */
static void qmiq_set_layout(struct qmiq_dev *q, unsigned int mode)
{
	spin_lock_bh(&q->tx.lock);
	WRITE_ONCE(q->mode, mode);
	spin_unlock_bh(&q->tx.lock);
	WRITE_ONCE(q->rx_urb_size, qmiq_rx_size_of(q, mode));
	qmiq_tell_framing(q, q->family->ethernet);
	qmiq_forget_format(q);

	q->master.mux_id = mode == 1 ? QMAP_MUX_BASE + 1 : 0;
	q->master.bridge.enabled = mode <= 1 && qmiq_param_bridge_mode & BIT(0);
	/* With one PDN many clients never tell the link state. */
	q->master.link = true;
	if (mode <= 1)
		qmiq_port_attach(&q->master);
}

static void qmiq_set_carrier(struct net_device *netdev, bool up)
{
	if (up)
		netif_carrier_on(netdev);
	else
		netif_carrier_off(netdev);
}

static void qmiq_port_set_link(struct qmiq_port *port, bool up)
{
	/* A new call starts with the flow on. */
	local_bh_disable();
	if (up && !netif_carrier_ok(port->netdev))
		qmiq_tx_set_flow(port, false);
	local_bh_enable();
	port->link = up;
	qmiq_set_carrier(port->netdev, up);
}

/* False between the registration of the master and that of its PDNs. */
static bool qmiq_has_ports(const struct qmiq_dev *q)
{
	return q->started || q->mode <= 1;
}

/* What the module itself changed, without RTNL. */
static void qmiq_tell_change(struct work_struct *work)
{
	struct qmiq_dev *q = container_of(work, struct qmiq_dev,
					  changed.work);

	rtnl_lock();
	qmiq_notify_dev(q, QMI_WWAN_Q_CMD_DEV_CHANGE_NTF);
	rtnl_unlock();
}

/* What the ports' links make of the module's. */
static void qmiq_update_link(struct qmiq_dev *q)
{
	bool any = false;
	unsigned int i;
	u32 state = 0;

	for (i = 0; i < QMIQ_MAX_PDN; i++) {
		const struct qmiq_port *port = qmiq_port_at(q, i);
		unsigned int pdn;

		if (!port || !port->link)
			continue;
		any = true;
		pdn = q->mode <= 1 ? 1 : port->mux_id - QMAP_MUX_BASE;
		if (pdn >= 1 && pdn <= 32)
			state |= BIT(pdn - 1);
	}
	WRITE_ONCE(q->link_state, state);
	qmiq_set_carrier(q->netdev, any);
}

/* The mux netdev of that id, or NULL. */
static struct qmiq_port *qmiq_mux_of(const struct qmiq_dev *q, u8 mux_id)
{
	struct qmiq_port *port = qmiq_port_by_mux(q, mux_id);

	return port == &q->master ? NULL : port;
}

static unsigned int qmiq_count_mux(const struct qmiq_dev *q)
{
	unsigned int i, count = 0;

	for (i = 0; i < QMIQ_MAX_PDN; i++) {
		const struct qmiq_port *port = qmiq_port_at(q, i);

		count += port && port != &q->master;
	}
	return count;
}

static void qmiq_destroy_ports(struct qmiq_port **ports, unsigned int count)
{
	LIST_HEAD(list);

	while (count)
		qmiq_mux_destroy(ports[--count], &list);
	unregister_netdevice_many(&list);
}

/*
 * Makes the mux netdevs of a mode that are not there yet, and returns how many
 * these are, or an errno and there are none.
 */
static int qmiq_make_pdns(struct qmiq_dev *q, unsigned int mode,
			  struct qmiq_port **made,
			  struct netlink_ext_ack *extack)
{
	unsigned int pdn, count = 0;

	for (pdn = 1; mode > 1 && pdn <= mode; pdn++) {
		struct qmiq_port *port;

		if (qmiq_mux_of(q, QMAP_MUX_BASE + pdn))
			continue;
		port = qmiq_mux_create(q, QMAP_MUX_BASE + pdn);
		if (IS_ERR(port)) {
			NL_SET_ERR_MSG(extack, "a mux netdev can't be made");
			qmiq_destroy_ports(made, count);
			return PTR_ERR(port);
		}
		made[count++] = port;
	}
	return count;
}

/**
 * qmiq_control_init() - first state of a module
 * @q: the module; its master is not registered yet
 * @mode: as the module parameter says
 */
void qmiq_control_init(struct qmiq_dev *q, unsigned int mode)
{
	ASSERT_RTNL();
	INIT_DELAYED_WORK(&q->changed, qmiq_tell_change);
	q->home = qmiq_control_mode(q, mode);
	if (q->home != mode)
		dev_info(&q->intf->dev, "qmap_mode %u -> %u: %s module%s\n",
			 mode, q->home, q->family->name,
			 q->usbnet->udev->speed >= USB_SPEED_SUPER ?
			 " at SuperSpeed" : "");
	qmiq_master_setup(q);
	qmiq_set_layout(q, q->home);
	qmiq_update_link(q);
}

/**
 * qmiq_control_start() - the master is registered: make its mux netdevs
 * @q: the module
 *
 * Return: 0 or a negative errno, then there are none.
 */
int qmiq_control_start(struct qmiq_dev *q)
{
	struct qmiq_port *made[QMIQ_MAX_PDN];
	int i, count;

	ASSERT_RTNL();
	count = qmiq_make_pdns(q, q->mode, made, NULL);
	if (count < 0)
		return count;
	for (i = 0; i < count; i++)
		qmiq_port_attach(made[i]);
	qmiq_tx_configure(q);
	q->started = true;
	dev_info(&q->intf->dev, "rx_urb_size = %u\n", q->rx_urb_size);
	qmiq_notify_dev(q, QMI_WWAN_Q_CMD_DEV_ADD_NTF);
	return 0;
}

/**
 * qmiq_control_stop() - the module is going: no netdev but the master is left
 * @q: the module
 */
void qmiq_control_stop(struct qmiq_dev *q)
{
	struct qmiq_port *gone[QMIQ_MAX_PDN];
	unsigned int i, count = 0;

	ASSERT_RTNL();
	qmiq_notify_dev(q, QMI_WWAN_Q_CMD_DEV_DEL_NTF);
	q->leaving = true;
	q->started = false;
	dev_close(q->netdev);
	for (i = 0; i < QMIQ_MAX_PDN; i++) {
		struct qmiq_port *port = qmiq_port_at(q, i);

		if (!port || port == &q->master)
			continue;
		qmiq_port_detach(port);
		gone[count++] = port;
	}
	qmiq_destroy_ports(gone, count);
}

/**
 * qmiq_control_check() - whether a module can be changed
 * @q: the module
 * @extack: of the refusal, or NULL
 *
 * Return: 0; -EAGAIN: its master is registered, but no more yet; -ENODEV: nor
 * will there be more.
 */
int qmiq_control_check(const struct qmiq_dev *q, struct netlink_ext_ack *extack)
{
	if (q->started)
		return 0;
	if (q->leaving) {
		NL_SET_ERR_MSG(extack, "the module is going");
		return -ENODEV;
	}
	NL_SET_ERR_MSG(extack, "the module is still being set up");
	return -EAGAIN;
}

static int qmiq_check_pass_through(const struct qmiq_dev *q,
				   struct netlink_ext_ack *extack)
{
	if (!q->pass_through)
		return 0;
	NL_SET_ERR_MSG(extack, "QMAP is left to rmnet: write N to qmi/pass_through first");
	return -EBUSY;
}

static int qmiq_check_mode(const struct qmiq_dev *q, unsigned int mode,
			   struct netlink_ext_ack *extack)
{
	if (mode > QMIQ_MAX_PDN) {
		NL_SET_ERR_MSG(extack, "the mode is a number from 0 to 8");
		return -ERANGE;
	}
	if (qmiq_control_mode(q, mode) == mode)
		return 0;
	if (q->family->version == QMAP_NONE)
		NL_SET_ERR_MSG(extack, "an 802.3 module has no QMAP, and no mode but 0");
	else if (q->family->qmap_only)
		NL_SET_ERR_MSG(extack, "5G modules have no mode 0: they always send QMAP");
	else
		NL_SET_ERR_MSG(extack, "at SuperSpeed there is no mode 0: modules send QMAP");
	return -EOPNOTSUPP;
}

/* Whether a port is one of those that setting a mode makes, to be kept. */
static bool qmiq_is_mux_of_mode(const struct qmiq_port *port,
				unsigned int mode)
{
	return mode > 1 && port != &port->q->master &&
	       port->mux_id > QMAP_MUX_BASE &&
	       port->mux_id <= QMAP_MUX_BASE + mode;
}

/* Whether setting a mode would make what is there. */
static bool qmiq_is_as_set(const struct qmiq_dev *q, unsigned int mode)
{
	unsigned int i;

	if (q->mode != mode || q->home != mode)
		return false;
	if (mode <= 1)
		return true;
	for (i = 0; i < QMIQ_MAX_PDN; i++) {
		const struct qmiq_port *port = qmiq_port_at(q, i);

		if (port && !qmiq_is_mux_of_mode(port, mode))
			return false;
	}
	return qmiq_count_mux(q) == mode;
}

/**
 * qmiq_control_set_mode() - turn to another qmap_mode
 * @q: the module
 * @mode: 0 no QMAP, 1 QMAP on the master, 2 to 8 QMAP with that many mux
 *	netdevs; those that are there already are kept
 * @extack: of the refusal, or NULL
 *
 * The module is then as after its arrival in that mode: it has agreed to
 * nothing.
 *
 * Return: 0, also if @mode is what is there; -EBUSY: the master is up;
 * -ERANGE; -EOPNOTSUPP: not with this module; or what making a netdev gave.
 */
int qmiq_control_set_mode(struct qmiq_dev *q, unsigned int mode,
			  struct netlink_ext_ack *extack)
{
	struct qmiq_port *made[QMIQ_MAX_PDN], *gone[QMIQ_MAX_PDN];
	int i, nr_made, nr_gone = 0;

	ASSERT_RTNL();
	nr_made = qmiq_control_check(q, extack) ?:
		  qmiq_check_pass_through(q, extack) ?:
		  qmiq_check_mode(q, mode, extack);
	if (nr_made)
		return nr_made;
	if (qmiq_is_as_set(q, mode))
		return 0;
	/* The mux netdevs can't be up without it. */
	if (q->netdev->flags & IFF_UP) {
		NL_SET_ERR_MSG(extack, "the master netdev is up: set it down first");
		return -EBUSY;
	}
	if (!mode && q->netdev->dev_addr[0] & 0x40) {
		NL_SET_ERR_MSG(extack,
			       "mode 0 needs a MAC address without bit 0x40 in its first byte");
		return -EADDRNOTAVAIL;
	}
	nr_made = qmiq_make_pdns(q, mode, made, extack);
	if (nr_made < 0)
		return nr_made;

	/* From here on nothing can fail. */
	for (i = 0; i < QMIQ_MAX_PDN; i++) {
		struct qmiq_port *port = qmiq_port_at(q, i);

		if (!port)
			continue;
		if (qmiq_is_mux_of_mode(port, mode)) {
			qmiq_port_set_link(port, false);
			continue;
		}
		qmiq_port_detach(port);
		if (port == &q->master)
			continue;
		qmiq_notify_port(port, QMI_WWAN_Q_CMD_MUX_DEL_NTF);
		gone[nr_gone++] = port;
	}
	q->home = mode;
	qmiq_set_layout(q, mode);
	for (i = 0; i < nr_made; i++)
		qmiq_port_attach(made[i]);
	qmiq_update_link(q);
	qmiq_tx_configure(q);
	qmiq_destroy_ports(gone, nr_gone);
	for (i = 0; i < nr_made; i++)
		qmiq_notify_port(made[i], QMI_WWAN_Q_CMD_MUX_ADD_NTF);
	qmiq_notify_dev(q, QMI_WWAN_Q_CMD_DEV_CHANGE_NTF);
	netdev_info(q->netdev, "qmap_mode %u, rx_urb_size %u\n", mode,
		    q->rx_urb_size);
	return 0;
}

static int qmiq_check_new_mux(const struct qmiq_dev *q, u32 mux_id,
			      struct netlink_ext_ack *extack)
{
	int err = qmiq_control_check(q, extack) ?:
		  qmiq_check_pass_through(q, extack);

	if (err)
		return err;
	if (q->family->version == QMAP_NONE) {
		NL_SET_ERR_MSG(extack, "an 802.3 module has no QMAP, and no mux netdevs");
		return -EOPNOTSUPP;
	}
	if (mux_id < QMIQ_MIN_MUX_ID || mux_id > QMIQ_MAX_MUX_ID) {
		NL_SET_ERR_MSG(extack, "a mux id is a number from 1 to 254");
		return -ERANGE;
	}
	if (qmiq_mux_of(q, mux_id)) {
		NL_SET_ERR_MSG(extack, "there is a mux netdev of this mux id");
		return -EEXIST;
	}
	if (qmiq_count_mux(q) == QMIQ_MAX_PDN) {
		NL_SET_ERR_MSG(extack,
			       "there are 8 mux netdevs, which is the most: delete one first");
		return -ENOSPC;
	}
	return 0;
}

/**
 * qmiq_control_add_mux() - make one more mux netdev
 * @q: the module, up or down
 * @mux_id: untrusted
 * @extack: of the refusal, or NULL
 *
 * In modes 0 and 1 the module turns to QMAP on mux netdevs, as after its
 * arrival; it has agreed to nothing then. The new netdev's link is up: who
 * makes netdevs one by one (qmi/add_mux) does not tell the link state.
 *
 * Return: 0, -ERANGE, -EEXIST, -ENOSPC, -EOPNOTSUPP: not with this module; or
 * what making a netdev gave.
 */
int qmiq_control_add_mux(struct qmiq_dev *q, u32 mux_id,
			 struct netlink_ext_ack *extack)
{
	bool changed = q->mode <= 1;
	struct qmiq_port *port;
	int err;

	ASSERT_RTNL();
	err = qmiq_check_new_mux(q, mux_id, extack);
	if (err)
		return err;
	port = qmiq_mux_create(q, mux_id);
	if (IS_ERR(port)) {
		NL_SET_ERR_MSG(extack, "the mux netdev can't be made");
		return PTR_ERR(port);
	}
	if (changed) {
		qmiq_halt(q);
		qmiq_port_detach(&q->master);
		qmiq_set_layout(q, QMIQ_MODE_MUXED);
		qmiq_port_attach(port);
		qmiq_go_on(q);
	} else {
		qmiq_port_attach(port);
	}
	qmiq_port_set_link(port, true);
	qmiq_update_link(q);
	qmiq_tx_configure(q);
	qmiq_notify_port(port, QMI_WWAN_Q_CMD_MUX_ADD_NTF);
	if (changed)
		qmiq_notify_dev(q, QMI_WWAN_Q_CMD_DEV_CHANGE_NTF);
	return 0;
}

/**
 * qmiq_control_del_port() - remove a mux netdev
 * @port: its port
 * @list: of unregister_netdevice_many(), which the caller calls
 *
 * The last of those that were added in mode 0 or 1 takes the module back to
 * that mode.
 */
void qmiq_control_del_port(struct qmiq_port *port, struct list_head *list)
{
	struct qmiq_dev *q = port->q;
	bool changed;

	ASSERT_RTNL();
	qmiq_port_detach(port);
	changed = q->mode != q->home && !qmiq_count_mux(q);
	if (netif_running(q->netdev))
		qmiq_flush(q);
	qmiq_notify_port(port, QMI_WWAN_Q_CMD_MUX_DEL_NTF);
	qmiq_mux_destroy(port, list);
	if (changed) {
		qmiq_halt(q);
		qmiq_set_layout(q, q->home);
		qmiq_go_on(q);
	}
	qmiq_update_link(q);
	qmiq_tx_configure(q);
	if (changed)
		qmiq_notify_dev(q, QMI_WWAN_Q_CMD_DEV_CHANGE_NTF);
}

/**
 * qmiq_control_del_mux() - remove a mux netdev
 * @q: the module, up or down
 * @mux_id: untrusted
 * @extack: of the refusal, or NULL
 *
 * Return: 0; -ENOENT: there is none.
 */
int qmiq_control_del_mux(struct qmiq_dev *q, u32 mux_id,
			 struct netlink_ext_ack *extack)
{
	struct qmiq_port *port = NULL;
	LIST_HEAD(list);
	int err;

	ASSERT_RTNL();
	err = qmiq_control_check(q, extack);
	if (err)
		return err;
	if (mux_id <= QMIQ_MAX_MUX_ID)
		port = qmiq_mux_of(q, mux_id);
	if (!port) {
		NL_SET_ERR_MSG(extack, "there is no mux netdev of this mux id");
		return -ENOENT;
	}
	qmiq_control_del_port(port, &list);
	unregister_netdevice_many(&list);
	return 0;
}

static void qmiq_change_link(struct qmiq_port *port, bool up)
{
	if (port->link == up)
		return;
	qmiq_port_set_link(port, up);
	qmiq_update_link(port->q);
	qmiq_notify_port(port, QMI_WWAN_Q_CMD_LINK_NTF);
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
		port = &q->master;
		up = value;
	} else {
		if (!pdn || value & ~(QMIQ_LINK_PDN_MASK | QMIQ_LINK_DOWN))
			return -EINVAL;
		port = qmiq_mux_of(q, QMAP_MUX_BASE + pdn);
	}
	if (!port)
		return -EINVAL;
	qmiq_change_link(port, up);
	return 0;
}

/**
 * qmiq_control_set_mux_link() - the same by mux id
 * @q: the module
 * @mux_id: untrusted; 0 in mode 0
 * @up: as it is now
 * @extack: of the refusal, or NULL
 *
 * Return: 0; -ENOENT: there is no such PDN.
 */
int qmiq_control_set_mux_link(struct qmiq_dev *q, u8 mux_id, bool up,
			      struct netlink_ext_ack *extack)
{
	struct qmiq_port *port;

	ASSERT_RTNL();
	port = qmiq_port_by_mux(q, mux_id);
	if (!port) {
		NL_SET_ERR_MSG(extack, "no netdev has this mux id");
		return -ENOENT;
	}
	qmiq_change_link(port, up);
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
 * qmiq_control_get_format() - what is in use, for a change of parts of it
 * @q: the module
 * @agreement: filled in
 */
void qmiq_control_get_format(const struct qmiq_dev *q,
			     struct qmiq_agreement *agreement)
{
	ASSERT_RTNL();
	*agreement = (struct qmiq_agreement) {
		.version = q->version,
		.rx_urb_size = q->rx_urb_size,
		.ul_max_datagrams = q->format.ul_max_datagrams,
		.ul_max_size = q->format.ul_max_size,
		.dl_padding = q->format.dl_padding,
	};
}

static int qmiq_check_format(const struct qmiq_dev *q,
			     const struct qmiq_agreement *agreement,
			     struct netlink_ext_ack *extack)
{
	u32 least;

	if (qmiq_check_pass_through(q, extack))
		return -EOPNOTSUPP;
	if (q->version == QMAP_NONE) {
		NL_SET_ERR_MSG(extack, "mode 0 has no QMAP: there is no format to agree");
		return -EOPNOTSUPP;
	}
	if (!qmiq_has_ports(q)) {
		NL_SET_ERR_MSG(extack, "the module is still being set up");
		return -EAGAIN;
	}
	if (agreement->version != QMAP_V1 && agreement->version != QMAP_V5) {
		NL_SET_ERR_MSG(extack, "the QMAP version is 5 (v1) or 9 (v5)");
		return -EINVAL;
	}
	if (agreement->rx_urb_size > QMIQ_MAX_RX_SIZE) {
		NL_SET_ERR_MSG(extack, "the DL size is at most 65536 bytes");
		return -EINVAL;
	}
	if (agreement->dl_padding > U8_MAX) {
		NL_SET_ERR_MSG(extack, "the DL padding is at most 255 bytes");
		return -EINVAL;
	}
	if (agreement->ul_max_datagrams <= 1)
		return 0;
	/* An answer to the longest MUX command must fit as well. */
	least = max_t(u32, QMAP_HDR_LEN + QMAP_CMD_MAX_LEN,
		      qmap_data_frame_len(agreement->version,
					  qmiq_largest_mtu(q)));
	if (agreement->ul_max_size < least) {
		NL_SET_ERR_MSG(extack,
			       "a packet of the largest MTU does not fit an UL transfer of this size");
		netdev_dbg(q->netdev, "ul_max_size %u is less than %u\n",
			   agreement->ul_max_size, least);
		return -EINVAL;
	}
	if (agreement->ul_max_size > QMIQ_MAX_RX_SIZE) {
		NL_SET_ERR_MSG(extack, "the UL size is at most 65536 bytes");
		return -EINVAL;
	}
	return 0;
}

/**
 * qmiq_control_set_format() - take over what WDA agreed with the module
 * @q: the module
 * @agreement: untrusted
 * @extack: of the refusal, or NULL
 *
 * Return: 0; -EINVAL: a value is out of range; -EOPNOTSUPP: mode 0; -EAGAIN:
 * the module is still being set up.
 */
int qmiq_control_set_format(struct qmiq_dev *q,
			    const struct qmiq_agreement *agreement,
			    struct netlink_ext_ack *extack)
{
	bool aggregate = agreement->ul_max_datagrams > 1;
	int err;

	ASSERT_RTNL();
	err = qmiq_check_format(q, agreement, extack);
	if (err)
		return err;

	spin_lock_bh(&q->tx.lock);
	WRITE_ONCE(q->version, agreement->version);
	q->format.ul_max_datagrams = aggregate ? agreement->ul_max_datagrams :
						 1;
	q->format.ul_max_size = !aggregate ? 0 :
				min_t(u32, agreement->ul_max_size,
				      QMIQ_MAX_TX_SIZE);
	WRITE_ONCE(q->format.dl_padding, agreement->dl_padding);
	q->agreed = true;
	spin_unlock_bh(&q->tx.lock);
	qmiq_tx_configure(q);
	qmiq_grow_rx(q, agreement->rx_urb_size);
	netdev_info(q->netdev,
		    "ul_data_aggregation_max_datagrams=%u, ul_data_aggregation_max_size=%u, dl_minimum_padding=%u\n",
		    q->format.ul_max_datagrams, q->format.ul_max_size,
		    q->format.dl_padding);
	qmiq_notify_dev(q, QMI_WWAN_Q_CMD_DEV_CHANGE_NTF);
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
	qmiq_forget_format(q);
	schedule_delayed_work(&q->changed, QMIQ_TELL_DELAY);
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
	u32 rx_urb_size = q->rx_urb_size;

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
	if (q->rx_urb_size != rx_urb_size)
		qmiq_notify_dev(q, QMI_WWAN_Q_CMD_DEV_CHANGE_NTF);
	return 0;
}

static void qmiq_set_ethernet(struct qmiq_dev *q, bool ethernet)
{
	spin_lock(&q->tx.lock);
	WRITE_ONCE(q->ethernet, ethernet);
	spin_unlock(&q->tx.lock);
	qmiq_tx_configure(q);
	schedule_delayed_work(&q->changed, QMIQ_TELL_DELAY);
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
	if (!qmiq_has_ports(q))
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
	for (i = 0; i < QMI_WWAN_Q_MAX_PDN; i++) {
		const struct qmiq_port *port =
			qmiq_port_by_mux(q, QMAP_MUX_BASE + 1 + i);

		if (!port)
			continue;
		strscpy(info->ifname[i], port->netdev->name, IFNAMSIZ);
		info->mux_id[i] = port->mux_id;
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
 * In the other modes that is remembered, as clients set 802.3 on their way to
 * any format.
 *
 * Return: 0; -EINVAL: rmnet has QMAP, which carries raw IP alone; -EBUSY: the
 * master is up.
 */
int qmiq_control_set_raw_ip(struct qmiq_port *port, u32 raw_ip)
{
	struct qmiq_dev *q = port->q;

	ASSERT_RTNL();
	if (raw_ip ? !q->ethernet && !q->told_ethernet : q->told_ethernet)
		return 0;
	if (!raw_ip && q->pass_through)
		return -EINVAL;
	if (q->netdev->flags & IFF_UP)
		return -EBUSY;
	qmiq_tell_framing(q, !raw_ip);
	qmiq_notify_dev(q, QMI_WWAN_Q_CMD_DEV_CHANGE_NTF);
	return 0;
}

/**
 * qmiq_control_set_pass_through() - leave QMAP to what is stacked on the master
 * @port: the master's
 * @on: do so
 *
 * Return: 0; -EINVAL: the module does no QMAP, or is in 802.3; -EBUSY: the
 * master is up, or the driver has mux netdevs, or something else is on top; or
 * the refusal of somebody whom the change of the netdev's type concerns.
 */
int qmiq_control_set_pass_through(struct qmiq_port *port, u32 on)
{
	struct qmiq_dev *q = port->q;
	int err;

	ASSERT_RTNL();
	if (on == q->pass_through)
		return 0;
	if (q->ethernet || q->told_ethernet || q->family->version == QMAP_NONE)
		return -EINVAL;
	if (q->netdev->flags & IFF_UP || q->mode > 1 ||
	    netdev_has_any_upper_dev(q->netdev))
		return -EBUSY;
	err = qmiq_master_set_type(q, on);
	if (err)
		return err;
	WRITE_ONCE(q->pass_through, on);
	qmiq_forget_format(q);
	qmiq_grow_rx(q, q->family->dl_size);
	qmiq_notify_dev(q, QMI_WWAN_Q_CMD_DEV_CHANGE_NTF);
	return 0;
}
