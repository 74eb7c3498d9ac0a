package testengine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// daemon is a process that outlives the one that started it. Its folder holds
// its pid file, its log and whatever it stores.
type daemon struct {
	dir string
}

func (d daemon) pidFile() string { return filepath.Join(d.dir, "pid") }
func (d daemon) logFile() string { return filepath.Join(d.dir, "log") }

// start runs the command in a session of its own and waits until ready
// reports no error. A daemon that ends first is reported with its log's tail.
func (d daemon) start(ctx context.Context, ready func(context.Context) error, command ...string) error {
	log, err := os.Create(d.logFile())
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir = d.dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()

	// The start time goes with the pid, because pids are used again: stop must
	// never end a stranger's process.
	started, err := startTime(cmd.Process.Pid)
	if err != nil {
		return fmt.Errorf("%s ended at once: %s", command[0], d.logTail())
	}
	if err := os.WriteFile(d.pidFile(), fmt.Appendf(nil, "%d %s\n", cmd.Process.Pid, started), 0o644); err != nil {
		return err
	}
	return d.await(ctx, ready, ended, command[0])
}

func (d daemon) await(ctx context.Context, ready func(context.Context) error, ended <-chan error, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w; its log ends: %s", name, err, d.logTail())
		case <-ended:
			return fmt.Errorf("%s ended: %s", name, d.logTail())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// running returns the pid of the process that the pid file names, if that
// very process is still alive.
func (d daemon) running() (pid int, ok bool) {
	text, err := os.ReadFile(d.pidFile())
	if err != nil {
		return 0, false
	}
	number, recorded, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	pid, err = strconv.Atoi(number)
	if err != nil {
		return 0, false
	}
	started, err := startTime(pid)
	return pid, err == nil && started == recorded
}

// stop ends the daemon, first politely, and returns when it is gone. A daemon
// that does not run is no error.
func (d daemon) stop() error {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL} {
		pid, ok := d.running()
		if !ok {
			break
		}
		if err := syscall.Kill(pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end process %d: %w", pid, err)
		}
		for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
			if _, ok := d.running(); !ok {
				break
			}
		}
	}
	if pid, ok := d.running(); ok {
		return fmt.Errorf("process %d does not end", pid)
	}
	return removeIfThere(d.pidFile())
}

func (d daemon) logTail() string {
	text, err := os.ReadFile(d.logFile())
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-2000):])
}

// startTime returns when a process started, in the kernel's ticks, from the
// 22nd field of /proc/PID/stat. A zombie counts as gone.
func startTime(pid int) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	// The second field is the program's name in parentheses and may hold spaces.
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(fields) < 20 || fields[0] == "Z" {
		return "", fmt.Errorf("process %d is gone", pid)
	}
	return fields[19], nil
}

// unmountBelow takes away what a killed daemon left mounted under dir.
func unmountBelow(dir string) error {
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(mounts)), "\n")
	for i := len(lines) - 1; i >= 0; i-- { // later mounts may lie on earlier ones
		fields := strings.Fields(lines[i])
		if len(fields) < 5 || !strings.HasPrefix(fields[4], dir+"/") {
			continue
		}
		if err := syscall.Unmount(fields[4], syscall.MNT_DETACH); err != nil {
			return fmt.Errorf("unmount %s: %w", fields[4], err)
		}
	}
	return nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
