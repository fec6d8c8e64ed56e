// SPDX-License-Identifier: GPL-2.0
/*
 * The vendor driver's sysfs files and private ioctls. Only translates: what
 * changes anything is control.c's.
 */
#include <linux/uaccess.h>

#include "qmiq.h"

static ssize_t qmiq_show_mode(const struct qmiq_port *port, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(port->q->mode));
}
static QMIQ_ATTRIBUTE_RO(qmap_mode, qmiq_show_mode);

static ssize_t qmiq_show_size(const struct qmiq_port *port, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(port->q->rx_urb_size));
}
static QMIQ_ATTRIBUTE_RO(qmap_size, qmiq_show_size);

static ssize_t qmiq_show_link_state(const struct qmiq_port *port, char *buf)
{
	return sysfs_emit(buf, "0x%x\n", READ_ONCE(port->q->link_state));
}

static int qmiq_set_link_state(struct qmiq_port *port, u32 value)
{
	return qmiq_control_set_link(port->q, value);
}
static QMIQ_ATTRIBUTE_RW(link_state, QMIQ_NUMBER, qmiq_show_link_state,
			 qmiq_set_link_state);

static ssize_t qmiq_show_bridge_mode(const struct qmiq_port *port, char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(port->bridge.enabled));
}
static QMIQ_ATTRIBUTE_RW(bridge_mode, QMIQ_NUMBER, qmiq_show_bridge_mode,
			 qmiq_control_set_bridge_mode);

static ssize_t qmiq_show_bridge_ipv4(const struct qmiq_port *port, char *buf)
{
	__be32 address = READ_ONCE(port->bridge.ipv4);

	return sysfs_emit(buf, "%pI4\n", &address);
}
static QMIQ_ATTRIBUTE_RW(bridge_ipv4, QMIQ_HEX, qmiq_show_bridge_ipv4,
			 qmiq_control_set_bridge_ipv4);

static struct attribute *qmiq_vendor_master_attrs[] = {
	&qmiq_attr_qmap_mode.attr.attr,
	&qmiq_attr_qmap_size.attr.attr,
	&qmiq_attr_link_state.attr.attr,
	&qmiq_attr_bridge_mode.attr.attr,
	&qmiq_attr_bridge_ipv4.attr.attr,
	NULL,
};

const struct attribute_group qmiq_vendor_master_group = {
	.attrs = qmiq_vendor_master_attrs,
};

static struct attribute *qmiq_vendor_mux_attrs[] = {
	&qmiq_attr_bridge_mode.attr.attr,
	&qmiq_attr_bridge_ipv4.attr.attr,
	NULL,
};

const struct attribute_group qmiq_vendor_mux_group = {
	.attrs = qmiq_vendor_mux_attrs,
};

static int qmiq_ioctl_link_state(struct qmiq_dev *q, const void __user *data)
{
	u32 value;

	if (copy_from_user(&value, data, sizeof(value)))
		return -EFAULT;
	return qmiq_control_set_link(q, value);
}

static int qmiq_ioctl_set_format(struct qmiq_dev *q, const void __user *data)
{
	struct qmiq_agreement agreement;
	struct qmi_wwan_q_format format;

	if (copy_from_user(&format, data, sizeof(format)))
		return -EFAULT;
	if (format.size != sizeof(format))
		return -EINVAL;
	/* The version is the driver's to name, in GET_INFO. */
	qmiq_control_get_format(q, &agreement);
	agreement.rx_urb_size = format.rx_urb_size;
	agreement.ul_max_datagrams = format.ul_max_datagrams;
	agreement.ul_max_size = format.ul_max_size;
	agreement.dl_padding = format.dl_minimum_padding;
	return qmiq_control_set_format(q, &agreement, NULL);
}

static int qmiq_ioctl_get_info(struct qmiq_dev *q, void __user *data)
{
	struct qmi_wwan_q_info info;
	int err;

	BUILD_BUG_ON(sizeof(struct qmi_wwan_q_format) != 32);
	BUILD_BUG_ON(sizeof(info) != 164);
	BUILD_BUG_ON(sizeof(info.ifname[0]) != IFNAMSIZ);

	err = qmiq_control_get_info(q, &info);
	if (err)
		return err;
	return copy_to_user(data, &info, sizeof(info)) ? -EFAULT : 0;
}

/**
 * qmiq_vendor_ioctl() - ndo_siocdevprivate of the master
 * @master: the netdev
 * @ifr: not used
 * @data: ifr_data
 * @cmd: QMI_WWAN_Q_IOC_*
 *
 * Context: process, RTNL.
 * Return: 0 or a negative errno.
 */
int qmiq_vendor_ioctl(struct net_device *master, struct ifreq *ifr,
		      void __user *data, int cmd)
{
	struct qmiq_dev *q = qmiq_of_master(master);

	if (cmd == QMI_WWAN_Q_IOC_GET_INFO)
		return qmiq_ioctl_get_info(q, data);
	if (cmd != QMI_WWAN_Q_IOC_LINK_STATE &&
	    cmd != QMI_WWAN_Q_IOC_SET_FORMAT)
		return -EOPNOTSUPP;
	if (!qmiq_may_set(master))
		return -EPERM;
	return cmd == QMI_WWAN_Q_IOC_LINK_STATE ?
	       qmiq_ioctl_link_state(q, data) : qmiq_ioctl_set_format(q, data);
}
