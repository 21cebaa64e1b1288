#!/bin/sh
# Copies a program and the GStreamer plugins it uses, each with the shared libraries it needs, into a directory that becomes the
# root of the image: 0.4 GB, where the packages with everything that they depend on (LLVM, GTK, soundfonts) are 0.9 GB.
#
#   scripts/collect-plugins.sh ROOT PROGRAM
set -eu
root=$1 program=$2

# By what they are needed for; an unknown name ends the build. `gst-inspect-1.0 ELEMENT` tells the plugin ("Filename") of an element.
plugins="
    coreelements coretracers app typefindfunctions playback debugutilsbad netsim
    webrtc nice dtls srtp sctp rtp rtpmanager
    videotestsrc videoconvertscale videorate videofilter videoparsersbad
    x264 x265 openh264 vpx aom libav
    nvcodec va qsv v4l2codecs video4linux2
    isomp4 matroska mpegtsdemux avi multifile multipart png jpeg jpegformat rtsp udp tcp soup"

plugin_dir=$(dirname "$(dpkg --listfiles gstreamer1.0-plugins-base | grep '/libgstapp\.so$')")

# What is loaded at run time, which ldd does not see: souphttpsrc's library, TLS for https:// and rtsps://, and the ciphers of NSS,
# without which libsrtp cannot encrypt a packet. NSS checks its ciphers against the .chk files.
libraries=$plugin_dir/..
late="$libraries/libsoup-3.0.so.0 $libraries/gio/modules/libgiognutls.so
    $libraries/libsoftokn3.so $libraries/libfreebl3.so $libraries/libfreeblpriv3.so"
checksums="$libraries/libsoftokn3.chk $libraries/libfreebl3.chk $libraries/libfreeblpriv3.chk"

files="$program /usr/bin/gst-inspect-1.0 /usr/bin/gst-launch-1.0 $(dpkg --listfiles libgstreamer1.0-0 | grep '/gst-plugin-scanner$') $late"
for plugin in $plugins; do
    files="$files $plugin_dir/libgst$plugin.so"
done

# shellcheck disable=SC2086 # one word a file
needed=$(ldd $files | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u)

for file in $files $needed $checksums; do
    # Debian's /lib is a link to /usr/lib: a real /lib in ROOT would replace it.
    directory=$(realpath "$(dirname "$file")")
    mkdir -p "$root$directory"
    cp --dereference --preserve=mode,timestamps "$file" "$root$directory/"
done
