// SPDX-License-Identifier: GPL-2.0
/*
 * What the files of all interfaces share: who may write, how text becomes a
 * value, and how to take RTNL where a removal waits for this very file.
 */
#include <linux/capability.h>

#include "qmiq.h"

static const struct qmiq_attribute *
qmiq_attribute_of(const struct device_attribute *attr)
{
	return container_of(attr, struct qmiq_attribute, attr);
}

/**
 * qmiq_may_set() - whether the caller may change settings of a netdev
 * @netdev: the netdev
 */
bool qmiq_may_set(const struct net_device *netdev)
{
	return ns_capable(dev_net(netdev)->user_ns, CAP_NET_ADMIN);
}

/*
 * Text up to a newline or NUL, whatever follows: the vendor's dialler writes
 * a fixed number of bytes.
 */
static int qmiq_parse(char *text, enum qmiq_attribute_type type, u32 *value)
{
	bool yes;

	if (type == QMIQ_FLAG) {
		if (kstrtobool(text, &yes))
			return -EINVAL;
		*value = yes;
		return 0;
	}
	return kstrtou32(text, type == QMIQ_HEX ? 16 : 0, value) ? -EINVAL : 0;
}

/* device_attribute::show of all files */
ssize_t qmiq_attribute_show(struct device *dev, struct device_attribute *attr,
			    char *buf)
{
	return qmiq_attribute_of(attr)->show(qmiq_port_of(to_net_dev(dev)),
					     buf);
}

/* device_attribute::store of all writable files */
ssize_t qmiq_attribute_store(struct device *dev, struct device_attribute *attr,
			     const char *buf, size_t count)
{
	const struct qmiq_attribute *attribute = qmiq_attribute_of(attr);
	struct net_device *netdev = to_net_dev(dev);
	size_t len = strcspn(buf, "\n");
	char text[20];
	u32 value;
	int err;

	if (!qmiq_may_set(netdev))
		return -EPERM;
	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, buf, len);
	text[len] = '\0';
	err = qmiq_parse(strim(text), attribute->type, &value);
	if (err)
		return err;
	/* A removal holds RTNL and waits for this file: don't wait for it. */
	if (!rtnl_trylock())
		return restart_syscall();
	err = attribute->set(qmiq_port_of(netdev), value);
	rtnl_unlock();
	/* The file is there before the driver is done with the module. */
	if (err == -EAGAIN)
		return restart_syscall();
	return err ?: count;
}
