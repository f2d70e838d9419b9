#!/bin/sh
# Does what the Containerfile says in folders made by debootstrap, where there is no container daemon: as root, from a checkout,
#     sh docs/container/try_in_chroot.sh /tmp/casa-container
# Debian's own Python stands for the one of the image python:3.12-slim. Network, certificates and pip's settings are the host's.
set -eu
place=${1:?a folder for the file systems must be given}
[ "${CASA_CHROOT_MOUNTS:-}" ] || CASA_CHROOT_MOUNTS=own exec unshare --mount --propagation private sh "$0" "$place"
checkout=$(cd "$(dirname "$0")/../.." && pwd)
mkdir -p "$place"

base=$place/base
if [ ! -e "$base/ready" ]; then
  rm -rf "$base"
  debootstrap --variant=minbase --include=ca-certificates,python3,python3-pip,python3-venv,python-is-python3 trixie "$base"
  printf '[global]\nbreak-system-packages = true\nroot-user-action = ignore\n' > "$base/etc/pip.conf"
  touch "$base/ready"
fi
cp /etc/resolv.conf /etc/hosts "$base/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$base/etc/ssl/certs/"

# In the file system of the stage in hand, as its user, in its folder, with its variables.
inside() {
  chroot --userspec="$user" "$root" env -i "HOME=$home" "PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin" PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    $variables sh -c "cd '$folder' && $1"
}

root="" variables="" user=root home=/root folder=/ stage=""
while read -r word rest; do
  case $word in
  FROM)
    stage=${rest##* }
    case $rest in *" AS "*) ;; *) stage=final ;; esac
    root=$place/$stage variables="" user=root home=/root folder=/
    umount -R "$root/proc" "$root/dev" "$root/sys" 2> /dev/null || true
    rm -rf --one-file-system "$root"
    cp -a "$base" "$root"
    mount --bind /proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --rbind /sys "$root/sys"
    ;;
  WORKDIR) folder=$rest && mkdir -p "$root$folder" ;;
  COPY)
    case $rest in
    --from=*)
      set -- $rest
      cp -a "$place/${1#--from=}$2" "$root$3"
      ;;
    *) git -C "$checkout" archive HEAD | tar -x -C "$root$folder" ;;
    esac
    ;;
  ENV) variables="$variables $rest" ;;
  USER) user=$rest home=/home/$rest ;;
  RUN) echo "RUN $rest" && inside "$rest" < /dev/null ;;
  ENTRYPOINT) entry=$(echo "$rest" | tr -d '[]",') ;;
  esac
done < "$checkout/docs/container/Containerfile"

echo "the entry point, a task, and two ranks, as $user"
inside "$entry --version"
inside "$entry -c 'print(casatasks.version_string(), qa.convert(\"1km\", \"m\")[\"value\"])'"
inside "mpirun --oversubscribe -n 2 python -m casampi"
inside "python -m casatasks.spectral_line --out reduction > reduction.log && ls reduction"
