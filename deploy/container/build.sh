#!/usr/bin/env bash
# Makes the OCI image IMAGE (a tar archive) of the static program BINARY, without a container engine. Needs buildah.
#
# The image holds the program, an empty folder for its data, and nothing else: no shell, no libraries, no root.
set -euo pipefail

: "${BINARY:?the static program}" "${IMAGE:?where the image goes}" "${VERSION:?of the program}"
: "${SOURCE_DATE_EPOCH:=0}"
work=$(mktemp --directory --tmpdir="$(dirname "$IMAGE")")
trap 'rm -rf "$work"' EXIT
# Neither an engine, nor a network, nor the privileges of overlays are needed to put some files into an image.
export STORAGE_DRIVER=vfs BUILDAH_ISOLATION=chroot
store=(--root "$work/root" --runroot "$work/run")

mkdir -p "$work/files/usr/bin" "$work/files/etc" "$work/files/data" "$work/files/tmp"
install -m 755 "$BINARY" "$work/files/usr/bin/sysmond"
printf 'sysmon:x:65532:65532:sysmon:/data:/sbin/nologin\n' >"$work/files/etc/passwd"
printf 'sysmon:x:65532:\n' >"$work/files/etc/group"
chmod 755 "$work/files" "$work"/files/*
chmod 644 "$work"/files/etc/*
chmod 1777 "$work/files/tmp"
find "$work/files" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +

container=$(buildah "${store[@]}" from scratch)
buildah "${store[@]}" copy --quiet "$container" "$work/files" / >/dev/null
mount=$(buildah "${store[@]}" mount "$container")
chown 65532:65532 "$mount/data"
chmod 700 "$mount/data"
touch --date "@$SOURCE_DATE_EPOCH" "$mount/data" "$mount"
buildah "${store[@]}" umount "$container" >/dev/null
buildah "${store[@]}" config \
    --user 65532:65532 --workingdir /data --volume /data --port 9000/tcp \
    --env SYSMON_DATA_DIR=/data --env HOME=/data \
    --entrypoint '["/usr/bin/sysmond"]' --cmd aggregator --stop-signal SIGTERM \
    --label org.opencontainers.image.title=sysmon \
    --label org.opencontainers.image.description='Monitoring for one host or many, with a live dashboard' \
    --label org.opencontainers.image.version="$VERSION" \
    --label org.opencontainers.image.licenses=MIT \
    "$container"
buildah "${store[@]}" commit --quiet --timestamp "$SOURCE_DATE_EPOCH" --disable-compression=false --rm "$container" \
    "oci:$work/image:sysmon:$VERSION" >/dev/null
# Packed here: an archive of buildah's has the time of its making.
tar --create --sort=name --owner=0 --group=0 --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" --mode=go=rX,u+rw \
    --directory "$work/image" --file "$IMAGE" blobs index.json oci-layout
