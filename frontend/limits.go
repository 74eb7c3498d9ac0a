package frontend

import (
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
)

// limits are the options of the client that bound a step: ulimits, cgroup,
// memory and CPUs, the size of /dev/shm. As for a Dockerfile's RUN, another
// ulimit, cgroup or /dev/shm is another step to the cache. Hosts and network
// modes are not among them, since no step has a network.
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
