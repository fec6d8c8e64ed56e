// SPDX-License-Identifier: GPL-2.0
/*
 * The vendor driver's sysfs files and private ioctls. Only translates: what
 * changes anything is control.c's.
 */
#include <linux/capability.h>
#include <linux/uaccess.h>

#include "qmiq.h"

static bool qmiq_may_set(const struct net_device *netdev)
{
	return ns_capable(dev_net(netdev)->user_ns, CAP_NET_ADMIN);
}

/*
 * An integer as the vendor's dialler writes it: text up to a newline or NUL,
 * whatever follows.
 */
static int qmiq_parse(const char *buf, unsigned int base, u32 *value)
{
	char text[20];
	size_t len = strcspn(buf, "\n");

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, buf, len);
	text[len] = '\0';
	return kstrtou32(strim(text), base, value) ? -EINVAL : 0;
}

/* The common part of all writable files; @set runs under RTNL. */
static ssize_t qmiq_store(struct device *dev, const char *buf, size_t count,
			  unsigned int base,
			  int (*set)(struct net_device *netdev, u32 value))
{
	struct net_device *netdev = to_net_dev(dev);
	u32 value;
	int err;

	if (!qmiq_may_set(netdev))
		return -EPERM;
	err = qmiq_parse(buf, base, &value);
	if (err)
		return err;
	/* A removal holds RTNL and waits for this file: don't wait for it. */
	if (!rtnl_trylock())
		return restart_syscall();
	err = set(netdev, value);
	rtnl_unlock();
	return err ?: count;
}

static ssize_t qmap_mode_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	struct qmiq_dev *q = qmiq_of_master(to_net_dev(dev));

	return sysfs_emit(buf, "%u\n", READ_ONCE(q->mode));
}
static DEVICE_ATTR_RO(qmap_mode);

static ssize_t qmap_size_show(struct device *dev, struct device_attribute *attr,
			      char *buf)
{
	struct qmiq_dev *q = qmiq_of_master(to_net_dev(dev));

	return sysfs_emit(buf, "%u\n", READ_ONCE(q->rx_urb_size));
}
static DEVICE_ATTR_RO(qmap_size);

static ssize_t link_state_show(struct device *dev,
			       struct device_attribute *attr, char *buf)
{
	struct qmiq_dev *q = qmiq_of_master(to_net_dev(dev));

	return sysfs_emit(buf, "0x%x\n", READ_ONCE(q->link_state));
}

static int qmiq_set_link_state(struct net_device *netdev, u32 value)
{
	return qmiq_control_set_link(qmiq_of_master(netdev), value);
}

static ssize_t link_state_store(struct device *dev,
				struct device_attribute *attr, const char *buf,
				size_t count)
{
	return qmiq_store(dev, buf, count, 0, qmiq_set_link_state);
}
static DEVICE_ATTR_RW(link_state);

static ssize_t bridge_mode_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	struct qmiq_port *port = qmiq_port_of(to_net_dev(dev));

	return sysfs_emit(buf, "%u\n", READ_ONCE(port->bridge.enabled));
}

static int qmiq_set_bridge_mode(struct net_device *netdev, u32 value)
{
	qmiq_control_set_bridge_mode(qmiq_port_of(netdev), value);
	return 0;
}

static ssize_t bridge_mode_store(struct device *dev,
				 struct device_attribute *attr, const char *buf,
				 size_t count)
{
	return qmiq_store(dev, buf, count, 0, qmiq_set_bridge_mode);
}
static DEVICE_ATTR_RW(bridge_mode);

static ssize_t bridge_ipv4_show(struct device *dev,
				struct device_attribute *attr, char *buf)
{
	__be32 address = READ_ONCE(qmiq_port_of(to_net_dev(dev))->bridge.ipv4);

	return sysfs_emit(buf, "%pI4\n", &address);
}

static int qmiq_set_bridge_ipv4(struct net_device *netdev, u32 value)
{
	qmiq_control_set_bridge_ipv4(qmiq_port_of(netdev), htonl(value));
	return 0;
}

static ssize_t bridge_ipv4_store(struct device *dev,
				 struct device_attribute *attr, const char *buf,
				 size_t count)
{
	return qmiq_store(dev, buf, count, 16, qmiq_set_bridge_ipv4);
}
static DEVICE_ATTR_RW(bridge_ipv4);

static struct attribute *qmiq_vendor_master_attrs[] = {
	&dev_attr_qmap_mode.attr,
	&dev_attr_qmap_size.attr,
	&dev_attr_link_state.attr,
	&dev_attr_bridge_mode.attr,
	&dev_attr_bridge_ipv4.attr,
	NULL,
};

const struct attribute_group qmiq_vendor_master_group = {
	.attrs = qmiq_vendor_master_attrs,
};

static struct attribute *qmiq_vendor_mux_attrs[] = {
	&dev_attr_bridge_mode.attr,
	&dev_attr_bridge_ipv4.attr,
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
