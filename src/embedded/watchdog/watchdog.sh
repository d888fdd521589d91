# Reads the ids of the processes that work in the folder $1, one a line; only the last one is of interest.
# The end of the input means that whoever started us is done or dead: end that process, remove the folder.

trap '' HUP INT QUIT TERM

pid=
while read -r line; do
    pid=$line
done

# Died between starting the server and naming it: the server names itself.
if [ -z "$pid" ] && [ -r "$1/data/postmaster.pid" ]; then
    read -r pid <"$1/data/postmaster.pid"
fi

if [ -n "$pid" ] && kill -QUIT "$pid" 2>/dev/null; then
    tries=0
    while kill -0 "$pid" 2>/dev/null && [ "$tries" -lt 50 ]; do
        sleep 0.1
        tries=$((tries + 1))
    done
    kill -KILL "$pid" 2>/dev/null
fi

tries=0
while ! rm -rf -- "$1" 2>/dev/null && [ "$tries" -lt 20 ]; do
    sleep 0.1
    tries=$((tries + 1))
done
