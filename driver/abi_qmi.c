// SPDX-License-Identifier: GPL-2.0
/*
 * The in-tree qmi_wwan's sysfs files, which libqmi, ModemManager and uqmi know
 * it by. Only translates: what changes anything is control.c's.
 */
#include "qmiq.h"

static ssize_t qmiq_show_flag(bool flag, char *buf)
{
	return sysfs_emit(buf, "%c\n", flag ? 'Y' : 'N');
}

static ssize_t qmiq_show_raw_ip(const struct qmiq_port *port, char *buf)
{
	return qmiq_show_flag(!READ_ONCE(port->q->ethernet) &&
			      !READ_ONCE(port->q->told_ethernet), buf);
}
static QMIQ_ATTRIBUTE_RW(raw_ip, QMIQ_FLAG, qmiq_show_raw_ip,
			 qmiq_control_set_raw_ip);

static ssize_t qmiq_show_pass_through(const struct qmiq_port *port, char *buf)
{
	return qmiq_show_flag(READ_ONCE(port->q->pass_through), buf);
}
static QMIQ_ATTRIBUTE_RW(pass_through, QMIQ_FLAG, qmiq_show_pass_through,
			 qmiq_control_set_pass_through);

static ssize_t qmiq_show_mux_ids(const struct qmiq_port *port, char *buf)
{
	const struct qmiq_dev *q = port->q;
	unsigned int mux_id;
	int len = 0;

	rcu_read_lock();
	for (mux_id = 0; mux_id < ARRAY_SIZE(q->by_mux); mux_id++) {
		const struct qmiq_port *mux = rcu_dereference(q->by_mux[mux_id]);

		if (mux && mux != &q->master)
			len += sysfs_emit_at(buf, len, "0x%02x\n", mux_id);
	}
	rcu_read_unlock();
	return len;
}

/* The in-tree driver has but one word for a mux id that it does not take. */
static int qmiq_mux_refusal(int err)
{
	return err == -ERANGE || err == -EEXIST || err == -ENOENT ? -EINVAL :
								    err;
}

static int qmiq_add_mux(struct qmiq_port *port, u32 mux_id)
{
	return qmiq_mux_refusal(qmiq_control_add_mux(port->q, mux_id, NULL));
}
static QMIQ_ATTRIBUTE_RW(add_mux, QMIQ_NUMBER, qmiq_show_mux_ids,
			 qmiq_add_mux);

static int qmiq_del_mux(struct qmiq_port *port, u32 mux_id)
{
	return qmiq_mux_refusal(qmiq_control_del_mux(port->q, mux_id, NULL));
}
static QMIQ_ATTRIBUTE_RW(del_mux, QMIQ_NUMBER, qmiq_show_mux_ids,
			 qmiq_del_mux);

static struct attribute *qmiq_qmi_master_attrs[] = {
	&qmiq_attr_raw_ip.attr.attr,
	&qmiq_attr_add_mux.attr.attr,
	&qmiq_attr_del_mux.attr.attr,
	&qmiq_attr_pass_through.attr.attr,
	NULL,
};

const struct attribute_group qmiq_qmi_master_group = {
	.name = "qmi",
	.attrs = qmiq_qmi_master_attrs,
};

static ssize_t qmiq_show_mux_id(const struct qmiq_port *port, char *buf)
{
	return sysfs_emit(buf, "0x%02x\n", port->mux_id);
}
static QMIQ_ATTRIBUTE_RO(mux_id, qmiq_show_mux_id);

static struct attribute *qmiq_qmi_mux_attrs[] = {
	&qmiq_attr_mux_id.attr.attr,
	NULL,
};

const struct attribute_group qmiq_qmi_mux_group = {
	.name = "qmap",
	.attrs = qmiq_qmi_mux_attrs,
};
