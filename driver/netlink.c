// SPDX-License-Identifier: GPL-2.0
/*
 * Generic netlink family qmi_wwan_q, as uapi/linux/qmi_wwan_q.h describes it.
 * Only translates: what changes anything is control.c's, which has the events
 * sent as well.
 */
#include <net/genetlink.h>
#include <net/net_namespace.h>
#include <net/sock.h>

#include "qmiq.h"

/* The codec, which knows of no interface, has its own. */
static_assert((int)QMAP_NONE == QMI_WWAN_Q_QMAP_VERSION_NONE);
static_assert((int)QMAP_V1 == QMI_WWAN_Q_QMAP_VERSION_V1);
static_assert((int)QMAP_V5 == QMI_WWAN_Q_QMAP_VERSION_V5);

enum { QMIQ_MCGRP_EVENTS };

static struct genl_family qmiq_genl;

static struct netlink_range_validation qmiq_size_range = {
	.max = QMIQ_MAX_RX_SIZE,
};

static const struct nla_policy qmiq_get_policy[] = {
	[QMI_WWAN_Q_A_DEV_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
};

static const struct nla_policy qmiq_mode_policy[] = {
	[QMI_WWAN_Q_A_DEV_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[QMI_WWAN_Q_A_DEV_MODE] = NLA_POLICY_MAX(NLA_U32, QMIQ_MAX_PDN),
};

static const struct nla_policy qmiq_format_nest[] = {
	[QMI_WWAN_Q_A_FORMAT_LINK_PROTOCOL] = {
		.type = NLA_REJECT,
		.reject_message = "read only: the driver follows the module",
	},
	[QMI_WWAN_Q_A_FORMAT_QMAP_VERSION] =
		NLA_POLICY_RANGE(NLA_U32, QMI_WWAN_Q_QMAP_VERSION_V1,
				 QMI_WWAN_Q_QMAP_VERSION_V5),
	[QMI_WWAN_Q_A_FORMAT_RX_URB_SIZE] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &qmiq_size_range),
	[QMI_WWAN_Q_A_FORMAT_UL_MAX_DATAGRAMS] = { .type = NLA_U32 },
	[QMI_WWAN_Q_A_FORMAT_UL_MAX_SIZE] =
		NLA_POLICY_FULL_RANGE(NLA_U32, &qmiq_size_range),
	[QMI_WWAN_Q_A_FORMAT_DL_PADDING] = NLA_POLICY_MAX(NLA_U32, U8_MAX),
};

static const struct nla_policy qmiq_format_policy[] = {
	[QMI_WWAN_Q_A_DEV_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[QMI_WWAN_Q_A_DEV_FORMAT] = NLA_POLICY_NESTED(qmiq_format_nest),
};

static const struct nla_policy qmiq_link_nest[] = {
	[QMI_WWAN_Q_A_PDN_MUX_ID] = NLA_POLICY_MAX(NLA_U32, QMIQ_MAX_MUX_ID),
	[QMI_WWAN_Q_A_PDN_LINK] = NLA_POLICY_MAX(NLA_U32, 1),
};

static const struct nla_policy qmiq_link_policy[] = {
	[QMI_WWAN_Q_A_DEV_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[QMI_WWAN_Q_A_DEV_PDN] = NLA_POLICY_NESTED(qmiq_link_nest),
};

static const struct nla_policy qmiq_mux_nest[] = {
	[QMI_WWAN_Q_A_PDN_MUX_ID] =
		NLA_POLICY_RANGE(NLA_U32, QMIQ_MIN_MUX_ID, QMIQ_MAX_MUX_ID),
};

static const struct nla_policy qmiq_mux_policy[] = {
	[QMI_WWAN_Q_A_DEV_IFINDEX] = NLA_POLICY_MIN(NLA_U32, 1),
	[QMI_WWAN_Q_A_DEV_PDN] = NLA_POLICY_NESTED(qmiq_mux_nest),
};

static u32 qmiq_usb_speed(const struct usb_device *udev)
{
	switch (udev->speed) {
	case USB_SPEED_SUPER_PLUS:
		return udev->ssp_rate == USB_SSP_GEN_2x2 ? 20000 : 10000;
	case USB_SPEED_SUPER:
		return 5000;
	case USB_SPEED_HIGH:
		return 480;
	default:
		return 12;
	}
}

static int qmiq_put_port(struct sk_buff *skb, const struct qmiq_port *port)
{
	const struct net_device *netdev = port->netdev;
	struct nlattr *nest = nla_nest_start(skb, QMI_WWAN_Q_A_DEV_PDN);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, QMI_WWAN_Q_A_PDN_MUX_ID, port->mux_id) ||
	    nla_put_u32(skb, QMI_WWAN_Q_A_PDN_LINK, port->link))
		return -EMSGSIZE;
	/* Elsewhere the index could be another netdev's. */
	if (net_eq(dev_net(netdev), dev_net(port->q->netdev)) &&
	    (nla_put_u32(skb, QMI_WWAN_Q_A_PDN_IFINDEX, netdev->ifindex) ||
	     nla_put_string(skb, QMI_WWAN_Q_A_PDN_IFNAME, netdev->name)))
		return -EMSGSIZE;
	if (READ_ONCE(port->flow_off) &&
	    nla_put_flag(skb, QMI_WWAN_Q_A_PDN_FLOW_OFF))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

static int qmiq_put_format(struct sk_buff *skb, const struct qmiq_dev *q)
{
	struct nlattr *nest = nla_nest_start(skb, QMI_WWAN_Q_A_DEV_FORMAT);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_u32(skb, QMI_WWAN_Q_A_FORMAT_LINK_PROTOCOL,
			READ_ONCE(q->ethernet) ?
			QMI_WWAN_Q_LINK_PROTOCOL_ETHERNET :
			QMI_WWAN_Q_LINK_PROTOCOL_RAW_IP) ||
	    nla_put_u32(skb, QMI_WWAN_Q_A_FORMAT_QMAP_VERSION, q->version) ||
	    nla_put_u32(skb, QMI_WWAN_Q_A_FORMAT_RX_URB_SIZE,
			q->rx_urb_size) ||
	    nla_put_u32(skb, QMI_WWAN_Q_A_FORMAT_UL_MAX_DATAGRAMS,
			q->format.ul_max_datagrams) ||
	    nla_put_u32(skb, QMI_WWAN_Q_A_FORMAT_UL_MAX_SIZE,
			q->format.ul_max_size) ||
	    nla_put_u32(skb, QMI_WWAN_Q_A_FORMAT_DL_PADDING,
			q->format.dl_padding))
		return -EMSGSIZE;
	nla_nest_end(skb, nest);
	return 0;
}

/* What every message about a module begins with. */
static int qmiq_put_name(struct sk_buff *skb, const struct qmiq_dev *q)
{
	if (nla_put_u32(skb, QMI_WWAN_Q_A_DEV_IFINDEX, q->netdev->ifindex) ||
	    nla_put_string(skb, QMI_WWAN_Q_A_DEV_IFNAME, q->netdev->name) ||
	    nla_put_string(skb, QMI_WWAN_Q_A_DEV_USB_PATH,
			   dev_name(&q->intf->dev)))
		return -EMSGSIZE;
	return 0;
}

static int qmiq_put_dev(struct sk_buff *skb, const struct qmiq_dev *q)
{
	const struct usb_device *udev = q->usbnet->udev;
	unsigned int id;

	if (qmiq_put_name(skb, q) ||
	    nla_put_u32(skb, QMI_WWAN_Q_A_DEV_VENDOR_ID,
			le16_to_cpu(udev->descriptor.idVendor)) ||
	    nla_put_u32(skb, QMI_WWAN_Q_A_DEV_PRODUCT_ID,
			le16_to_cpu(udev->descriptor.idProduct)) ||
	    nla_put_u32(skb, QMI_WWAN_Q_A_DEV_USB_SPEED,
			qmiq_usb_speed(udev)) ||
	    nla_put_u32(skb, QMI_WWAN_Q_A_DEV_EP_TYPE, QMIQ_EP_HSUSB) ||
	    nla_put_u32(skb, QMI_WWAN_Q_A_DEV_INTERFACE,
			q->intf->cur_altsetting->desc.bInterfaceNumber) ||
	    nla_put_string(skb, QMI_WWAN_Q_A_DEV_FAMILY, q->family->name) ||
	    nla_put_u32(skb, QMI_WWAN_Q_A_DEV_MODE, q->mode) ||
	    nla_put_u32(skb, QMI_WWAN_Q_A_DEV_LINK_STATE, q->link_state) ||
	    qmiq_put_format(skb, q))
		return -EMSGSIZE;
	if (READ_ONCE(q->agreed) &&
	    nla_put_flag(skb, QMI_WWAN_Q_A_DEV_FORMAT_AGREED))
		return -EMSGSIZE;
	for (id = 0; id <= QMIQ_MAX_MUX_ID; id++) {
		const struct qmiq_port *port = qmiq_port_by_mux(q, id);

		if (port && qmiq_put_port(skb, port))
			return -EMSGSIZE;
	}
	return 0;
}

/* A whole message; on failure there is none in @skb. */
static int qmiq_put_dev_message(struct sk_buff *skb, const struct qmiq_dev *q,
				u32 portid, u32 seq, int flags, u8 cmd,
				struct netlink_callback *cb)
{
	void *header = genlmsg_put(skb, portid, seq, &qmiq_genl, flags, cmd);

	if (!header)
		return -EMSGSIZE;
	if (cb)
		genl_dump_check_consistent(cb, header);
	if (qmiq_put_dev(skb, q)) {
		genlmsg_cancel(skb, header);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, header);
	return 0;
}

static int qmiq_nl_reply(struct qmiq_dev *q, struct genl_info *info,
			 struct sk_buff *skb)
{
	int err = qmiq_put_dev_message(skb, q, info->snd_portid, info->snd_seq,
				       0, info->genlhdr->cmd, NULL);

	if (err) {
		nlmsg_free(skb);
		return err;
	}
	return genlmsg_reply(skb, info);
}

static int qmiq_nl_get(struct qmiq_dev *q, struct genl_info *info)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	return skb ? qmiq_nl_reply(q, info, skb) : -ENOMEM;
}

static int qmiq_nl_set_mode(struct qmiq_dev *q, struct genl_info *info)
{
	const struct nlattr *mode = info->attrs[QMI_WWAN_Q_A_DEV_MODE];

	if (!mode) {
		NL_SET_ERR_MSG(info->extack, "the mode is missing");
		return -EINVAL;
	}
	return qmiq_control_set_mode(q, nla_get_u32(mode), info->extack);
}

static void qmiq_nl_get_u32(const struct nlattr *attr, u32 *value)
{
	if (attr)
		*value = nla_get_u32(attr);
}

static int qmiq_nl_set_format(struct qmiq_dev *q, struct genl_info *info)
{
	const struct nlattr *nest = info->attrs[QMI_WWAN_Q_A_DEV_FORMAT];
	struct nlattr *tb[ARRAY_SIZE(qmiq_format_nest)];
	struct qmiq_agreement agreement;
	int err;

	if (!nest) {
		NL_SET_ERR_MSG(info->extack, "the format is missing");
		return -EINVAL;
	}
	err = nla_parse_nested(tb, ARRAY_SIZE(tb) - 1, nest, qmiq_format_nest,
			       info->extack);
	if (err)
		return err;
	qmiq_control_get_format(q, &agreement);
	qmiq_nl_get_u32(tb[QMI_WWAN_Q_A_FORMAT_QMAP_VERSION],
			&agreement.version);
	qmiq_nl_get_u32(tb[QMI_WWAN_Q_A_FORMAT_RX_URB_SIZE],
			&agreement.rx_urb_size);
	qmiq_nl_get_u32(tb[QMI_WWAN_Q_A_FORMAT_UL_MAX_DATAGRAMS],
			&agreement.ul_max_datagrams);
	qmiq_nl_get_u32(tb[QMI_WWAN_Q_A_FORMAT_UL_MAX_SIZE],
			&agreement.ul_max_size);
	qmiq_nl_get_u32(tb[QMI_WWAN_Q_A_FORMAT_DL_PADDING],
			&agreement.dl_padding);
	return qmiq_control_set_format(q, &agreement, info->extack);
}

static int qmiq_nl_set_link(struct qmiq_dev *q, struct genl_info *info)
{
	const struct nlattr *nest = info->attrs[QMI_WWAN_Q_A_DEV_PDN];
	struct nlattr *tb[ARRAY_SIZE(qmiq_link_nest)] = {};
	int err;

	err = nest ? nla_parse_nested(tb, ARRAY_SIZE(tb) - 1, nest,
				      qmiq_link_nest, info->extack) : 0;
	if (err)
		return err;
	if (!tb[QMI_WWAN_Q_A_PDN_MUX_ID] || !tb[QMI_WWAN_Q_A_PDN_LINK]) {
		NL_SET_ERR_MSG(info->extack, "a PDN with mux id and link is missing");
		return -EINVAL;
	}
	return qmiq_control_set_mux_link(q,
					 nla_get_u32(tb[QMI_WWAN_Q_A_PDN_MUX_ID]),
					 nla_get_u32(tb[QMI_WWAN_Q_A_PDN_LINK]),
					 info->extack);
}

static int qmiq_nl_get_mux_id(struct genl_info *info, u32 *mux_id)
{
	const struct nlattr *nest = info->attrs[QMI_WWAN_Q_A_DEV_PDN];
	struct nlattr *tb[ARRAY_SIZE(qmiq_mux_nest)] = {};
	int err;

	err = nest ? nla_parse_nested(tb, ARRAY_SIZE(tb) - 1, nest,
				      qmiq_mux_nest, info->extack) : 0;
	if (err)
		return err;
	if (!tb[QMI_WWAN_Q_A_PDN_MUX_ID]) {
		NL_SET_ERR_MSG(info->extack, "a PDN with mux id is missing");
		return -EINVAL;
	}
	*mux_id = nla_get_u32(tb[QMI_WWAN_Q_A_PDN_MUX_ID]);
	return 0;
}

static int qmiq_nl_add_mux(struct qmiq_dev *q, struct genl_info *info)
{
	struct sk_buff *skb;
	u32 mux_id;
	int err;

	err = qmiq_nl_get_mux_id(info, &mux_id);
	if (err)
		return err;
	/* Before there is anything to undo. */
	skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	if (!skb)
		return -ENOMEM;
	err = qmiq_control_add_mux(q, mux_id, info->extack);
	if (err) {
		nlmsg_free(skb);
		return err;
	}
	return qmiq_nl_reply(q, info, skb);
}

static int qmiq_nl_del_mux(struct qmiq_dev *q, struct genl_info *info)
{
	u32 mux_id;
	int err = qmiq_nl_get_mux_id(info, &mux_id);

	return err ?: qmiq_control_del_mux(q, mux_id, info->extack);
}

/* What each request does; RTNL held. */
static int (*const qmiq_nl_acts[])(struct qmiq_dev *q,
				   struct genl_info *info) = {
	[QMI_WWAN_Q_CMD_DEV_GET] = qmiq_nl_get,
	[QMI_WWAN_Q_CMD_MODE_SET] = qmiq_nl_set_mode,
	[QMI_WWAN_Q_CMD_FORMAT_SET] = qmiq_nl_set_format,
	[QMI_WWAN_Q_CMD_LINK_SET] = qmiq_nl_set_link,
	[QMI_WWAN_Q_CMD_MUX_ADD] = qmiq_nl_add_mux,
	[QMI_WWAN_Q_CMD_MUX_DEL] = qmiq_nl_del_mux,
};

/* Every request names its module in the same way. */
static int qmiq_nl_doit(struct sk_buff *skb, struct genl_info *info)
{
	const struct nlattr *ifindex = info->attrs[QMI_WWAN_Q_A_DEV_IFINDEX];
	struct net_device *netdev;
	int err;

	if (!ifindex) {
		NL_SET_ERR_MSG(info->extack,
			       "the ifindex of the module is missing");
		return -EINVAL;
	}
	rtnl_lock();
	netdev = __dev_get_by_index(genl_info_net(info), nla_get_u32(ifindex));
	if (netdev && qmiq_is_master(netdev)) {
		struct qmiq_dev *q = qmiq_of_master(netdev);

		err = qmiq_control_check(q, info->extack) ?:
		      qmiq_nl_acts[info->genlhdr->cmd](q, info);
	} else {
		NL_SET_ERR_MSG_ATTR(info->extack, ifindex,
				    "not the master netdev of a module of this driver's");
		err = -ENODEV;
	}
	rtnl_unlock();
	return err;
}

/* The module with the least ifindex above @ifindex. */
static struct qmiq_dev *qmiq_nl_next(struct net *net, int ifindex)
{
	struct qmiq_dev *q, *next = NULL;
	struct net_device *netdev;

	for_each_netdev(net, netdev) {
		if (!qmiq_is_master(netdev) || netdev->ifindex <= ifindex)
			continue;
		q = qmiq_of_master(netdev);
		if (q->started &&
		    (!next || netdev->ifindex < next->netdev->ifindex))
			next = q;
	}
	return next;
}

/* In order of ifindex; args[0] is the last that was told. */
static int qmiq_nl_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct net *net = sock_net(skb->sk);
	struct qmiq_dev *q;

	rtnl_lock();
	cb->seq = READ_ONCE(net->dev_base_seq);
	while ((q = qmiq_nl_next(net, cb->args[0]))) {
		if (qmiq_put_dev_message(skb, q, NETLINK_CB(cb->skb).portid,
					 cb->nlh->nlmsg_seq, NLM_F_MULTI,
					 QMI_WWAN_Q_CMD_DEV_GET, cb))
			break;
		cb->args[0] = q->netdev->ifindex;
	}
	rtnl_unlock();
	return skb->len;
}

static const struct genl_ops qmiq_genl_ops[] = {
	{
		.cmd = QMI_WWAN_Q_CMD_DEV_GET,
		.doit = qmiq_nl_doit,
		.dumpit = qmiq_nl_dumpit,
		.policy = qmiq_get_policy,
		.maxattr = ARRAY_SIZE(qmiq_get_policy) - 1,
	}, {
		.cmd = QMI_WWAN_Q_CMD_MODE_SET,
		.doit = qmiq_nl_doit,
		.policy = qmiq_mode_policy,
		.maxattr = ARRAY_SIZE(qmiq_mode_policy) - 1,
		.flags = GENL_UNS_ADMIN_PERM,
	}, {
		.cmd = QMI_WWAN_Q_CMD_FORMAT_SET,
		.doit = qmiq_nl_doit,
		.policy = qmiq_format_policy,
		.maxattr = ARRAY_SIZE(qmiq_format_policy) - 1,
		.flags = GENL_UNS_ADMIN_PERM,
	}, {
		.cmd = QMI_WWAN_Q_CMD_LINK_SET,
		.doit = qmiq_nl_doit,
		.policy = qmiq_link_policy,
		.maxattr = ARRAY_SIZE(qmiq_link_policy) - 1,
		.flags = GENL_UNS_ADMIN_PERM,
	}, {
		.cmd = QMI_WWAN_Q_CMD_MUX_ADD,
		.doit = qmiq_nl_doit,
		.policy = qmiq_mux_policy,
		.maxattr = ARRAY_SIZE(qmiq_mux_policy) - 1,
		.flags = GENL_UNS_ADMIN_PERM,
	}, {
		.cmd = QMI_WWAN_Q_CMD_MUX_DEL,
		.doit = qmiq_nl_doit,
		.policy = qmiq_mux_policy,
		.maxattr = ARRAY_SIZE(qmiq_mux_policy) - 1,
		.flags = GENL_UNS_ADMIN_PERM,
	},
};

static const struct genl_multicast_group qmiq_genl_mcgrps[] = {
	[QMIQ_MCGRP_EVENTS] = { .name = QMI_WWAN_Q_MCGRP_EVENTS },
};

/* RTNL is what protects everything: requests need no lock of genetlink's. */
static struct genl_family qmiq_genl __ro_after_init = {
	.name		= QMI_WWAN_Q_FAMILY_NAME,
	.version	= QMI_WWAN_Q_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.ops		= qmiq_genl_ops,
	.n_ops		= ARRAY_SIZE(qmiq_genl_ops),
	.resv_start_op	= __QMI_WWAN_Q_CMD_MAX,
	.mcgrps		= qmiq_genl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(qmiq_genl_mcgrps),
};

static void qmiq_nl_multicast(const struct qmiq_dev *q, struct sk_buff *skb)
{
	genlmsg_multicast_netns(&qmiq_genl, dev_net(q->netdev), skb, 0,
				QMIQ_MCGRP_EVENTS, GFP_KERNEL);
}

static struct sk_buff *qmiq_nl_new_event(const struct qmiq_dev *q)
{
	/* Nothing before the arrival, and nothing after the removal. */
	if (!q->started || !genl_has_listeners(&qmiq_genl, dev_net(q->netdev),
					       QMIQ_MCGRP_EVENTS))
		return NULL;
	return genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
}

/**
 * qmiq_notify_dev() - tell who listens of a module
 * @q: the module
 * @event: one that carries all of it
 *
 * An event that can't be allocated is lost, as with all of netlink.
 *
 * Context: process, RTNL.
 */
void qmiq_notify_dev(const struct qmiq_dev *q, enum qmi_wwan_q_cmd event)
{
	struct sk_buff *skb = qmiq_nl_new_event(q);

	if (!skb)
		return;
	if (qmiq_put_dev_message(skb, q, 0, 0, 0, event, NULL))
		nlmsg_free(skb);
	else
		qmiq_nl_multicast(q, skb);
}

/**
 * qmiq_notify_port() - tell who listens of a PDN
 * @port: its port
 * @event: one that carries a PDN
 *
 * Context: process, RTNL.
 */
void qmiq_notify_port(const struct qmiq_port *port, enum qmi_wwan_q_cmd event)
{
	struct sk_buff *skb = qmiq_nl_new_event(port->q);
	void *header;

	if (!skb)
		return;
	header = genlmsg_put(skb, 0, 0, &qmiq_genl, 0, event);
	if (!header || qmiq_put_name(skb, port->q) || qmiq_put_port(skb, port)) {
		nlmsg_free(skb);
		return;
	}
	genlmsg_end(skb, header);
	qmiq_nl_multicast(port->q, skb);
}

int __init qmiq_netlink_register(void)
{
	return genl_register_family(&qmiq_genl);
}

void qmiq_netlink_unregister(void)
{
	genl_unregister_family(&qmiq_genl);
}
