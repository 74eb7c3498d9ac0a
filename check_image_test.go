package imagespec

import "testing"

// TestImageFields lists values of the fields beside packages, with what is
// wrong about them; what is right has no message.
func TestImageFields(t *testing.T) {
	for spec, want := range map[string]string{
		"apt_packages: [git, libstdc++6, g++-12, gcc:arm64, curl=7.88.1-10+deb12u8, vim/bookworm-backports]": "",
		"apt_packages: [git curl]":                                    `apt_packages "git curl" is not the name of a Debian package`,
		"apt_packages: [--force-yes]":                                 `apt_packages "--force-yes" is not the name of a Debian package`,
		"apt_packages: ['git; rm -rf /']":                             `apt_packages "git; rm -rf /" is not the name of a Debian package`,
		"apt_packages: [Git]":                                         `apt_packages "Git" is not the name of a Debian package`,
		"apt_packages: [git=1.2, git]":                                `apt_packages has "git" twice`,
		"commands: ['echo hi', '  ']":                                 "commands has an empty command",
		"source_root: .":                                              "",
		"{source_root: src, source_copy_mode: ALL}":                   "",
		"{source_root: src, source_copy_mode: 1}":                     "",
		"{source_root: src, source_copy_mode: al}":                    `source_copy_mode "al" is unknown`,
		"source_copy_mode: ALL":                                       "source_copy_mode is set, but source_root is not",
		"source_copy_mode: NO_COPY":                                   "",
		"source_root: /src":                                           `source_root "/src" lies outside the build context`,
		"source_root: a/../b":                                         `source_root "a/../b" lies outside the build context`,
		"source_root: ''":                                             "source_root names no path",
		"copy: [data/, ./conf/app.ini]":                               "",
		"copy: ['*.txt']":                                             `copy "*.txt" is not a path`,
		"builder_config: {uv_imag: x}":                                `unknown key "builder_config.uv_imag"`,
		"runtime_packages: ['-r x.txt']":                              `runtime_packages "-r x.txt" is not a requirement`,
		"{runtime_packages: [pandas], builder_options: {pip: false}}": "runtime_packages are installed by pip, but builder_options.pip is false",
		"builder_options: {user: app}":                                "",
		"builder_options: {user: 1000:100}":                           "",
		"builder_options: {user: 'a b'}":                              `builder_options.user "a b" is not the name of a user`,
		"builder_options: {workdir: /app/}":                           "",
		"builder_options: {workdir: app}":                             `builder_options.workdir "app" is not the absolute path of a directory`,
		"builder_options: {workdir: /}":                               `builder_options.workdir "/" is not the absolute path of a directory`,
		"builder_options: {labels: {'': x}}":                          "builder_options.labels has a label without name",
	} {
		got := ""
		if errs := mistakes(spec); len(errs) > 0 {
			got = errs[0].Msg
		}
		if got != want {
			t.Errorf("%s\ngives %q, want %q", spec, got, want)
		}
	}
}
