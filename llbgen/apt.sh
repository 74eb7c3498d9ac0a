# Installs the Debian packages that are its arguments, and leaves nothing in
# the layer that depends on when or where it ran, as far as apt allows. Lists,
# archives and logs are in mounts.
cache=/run/imagespec-apt
logs=/run/imagespec
if ! command -v apt-get >/dev/null; then
	echo "this base has no apt-get" >&2
	exit 69
fi
mkdir -p $cache/lists/partial $cache/archives/partial
touch $logs/start
options="-qq -o Dir::Cache=$cache -o Dir::State::Lists=$cache/lists -o Dir::Log=$logs
	-o APT::Keep-Downloaded-Packages=true -o APT::Sandbox::User=root
	-o Dpkg::Use-Pty=0 -o Dpkg::Options::=--log=$logs/dpkg.log"
apt-get $options update
apt-get $options install --yes --no-install-recommends -- "$@"
rm -f /var/log/alternatives.log /var/cache/ldconfig/aux-cache /var/cache/debconf/*-old /var/lib/dpkg/*-old
# What scripts of packages have written gets one time; dpkg keeps those of its files.
find / -xdev -newer $logs/start ! -path /etc/resolv.conf ! -path /etc/hosts ! -path /etc/hostname \
	! -path '/run/imagespec*' -exec touch -h -d 1980-01-02T00:00:00Z {} +
