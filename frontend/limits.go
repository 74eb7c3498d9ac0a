package frontend

import (
	"cmp"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

// limits are the options of the client that bound a step: ulimits, cgroup,
// memory and CPUs, the size of /dev/shm. As for a Dockerfile's RUN, another
// ulimit, cgroup or /dev/shm is another step to the cache.
func (b *build) limits() []llb.RunOption {
	caps := b.ui.BuildOpts().LLBCaps
	var opts []llb.RunOption
	if caps.Supports(pb.CapExecMetaUlimit) == nil {
		for _, u := range b.ui.Ulimits {
			opts = append(opts, llb.AddUlimit(llb.UlimitName(u.Name), u.Soft, u.Hard))
		}
	}
	if b.ui.CgroupParent != "" && caps.Supports(pb.CapExecMetaCgroupParent) == nil {
		opts = append(opts, llb.WithCgroupParent(b.ui.CgroupParent))
	}
	if r := b.ui.LinuxResources; r != nil && caps.Supports(pb.CapExecMetaLinuxResources) == nil {
		opts = append(opts, llb.WithLinuxResources(llb.LinuxResources{
			Memory: r.Memory, MemorySwap: r.MemorySwap,
			CPUShares: r.CpuShares, CPUPeriod: r.CpuPeriod, CPUQuota: r.CpuQuota,
			CpusetCpus: r.CpusetCpus, CpusetMems: r.CpusetMems,
		}))
	}
	if b.ui.ShmSize > 0 && caps.Supports(pb.CapExecMountTmpfsSize) == nil {
		opts = append(opts, llb.AddMount("/dev/shm", llb.Scratch(), llb.Tmpfs(llb.TmpfsSize(b.ui.ShmSize))))
	}
	return opts
}

// network are the options of the client for steps with a network: its mode,
// hosts, and the proxies of build arguments, which are in no key.
func (b *build) network() []llb.RunOption {
	var opts []llb.RunOption
	if b.ui.NetworkMode != pb.NetMode_UNSET {
		opts = append(opts, llb.Network(b.ui.NetworkMode))
	}
	for _, host := range b.ui.ExtraHosts {
		opts = append(opts, llb.AddExtraHost(host.Host, host.IP))
	}
	var proxy llb.ProxyEnv
	for name, into := range map[string]*string{
		"http_proxy": &proxy.HTTPProxy, "https_proxy": &proxy.HTTPSProxy, "ftp_proxy": &proxy.FTPProxy,
		"no_proxy": &proxy.NoProxy, "all_proxy": &proxy.AllProxy,
	} {
		*into = cmp.Or(b.args.values[strings.ToUpper(name)], b.args.values[name])
	}
	if proxy != (llb.ProxyEnv{}) {
		opts = append(opts, llb.WithProxy(proxy))
	}
	return opts
}
