#!/usr/bin/perl
# Runs programs for the host: one TCP connection, one program. Both ways go frames: a letter, the payload's length (32 bits,
# big-endian), the payload.
#   from the host: T token, A argument, E NAME=value, D directory, G go; then I input, C end of input
#   to the host:   O standard output, R standard error, X exit status (128 + n when signal n ended it), and nothing after it
# When the host closes the connection the program and its process group are killed.
# Perl, because every Debian has perl-base and it starts in 50 ms here; one process, because a fork costs 30 ms.
use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use IO::Select;
use IO::Socket::INET;
use POSIX qw(:sys_wait_h dup2 setsid);

my ($port, $token, $ready) = @ARGV;
my $MAX_BUFFER = 1 << 20;    # bytes kept for a slow reader before the writer has to wait
my %connections;             # socket's file number => connection
$SIG{PIPE} = 'IGNORE';
$SIG{CHLD} = sub { };        # only to interrupt select

my $listener = IO::Socket::INET->new(Listen => 128, LocalPort => $port, ReuseAddr => 1, Blocking => 0)
    or die "lab: cannot listen on port $port: $!\n";
open(my $file, '>', $ready) or die "lab: cannot write $ready: $!\n";
close($file);

# Reads what is there. undef: nothing now; '': the end.
sub receive {
    my ($handle) = @_;
    my $count = sysread($handle, my $data, 65536);
    return $data if defined $count;
    return undef if $! == EAGAIN || $! == EINTR;
    return '';
}

# Sends as much of the buffer as goes; false when the other side has gone.
sub transmit {
    my ($handle, $buffer) = @_;
    my $count = syswrite($handle, $$buffer, 65536);
    return $! == EAGAIN || $! == EINTR if !defined $count;
    substr($$buffer, 0, $count, '');
    return 1;
}

sub send_frame {
    my ($connection, $type, $data) = @_;
    $connection->{out} .= $type . pack('N', length $data) . $data;
}

sub pipe_pair {
    pipe(my $reader, my $writer) or die "lab: pipe: $!\n";
    return ($reader, $writer);
}

sub become {
    my ($request, @handles) = @_;
    setsid();
    $SIG{$_} = 'DEFAULT' for qw(PIPE CHLD);
    if (open(my $score, '>', '/proc/self/oom_score_adj')) { print $score 0; close($score) }
    dup2(fileno($handles[$_]), $_) for 0 .. 2;
    for (@{ $request->{environment} }) { my ($name, $value) = split(/=/, $_, 2); $ENV{$name} = $value }
    my @argv = @{ $request->{argv} };
    my $ok = chdir($request->{directory});
    if ($ok) { no warnings 'exec'; exec { $argv[0] } @argv }
    my $why = "$!";
    syswrite(STDERR, $ok ? "$argv[0]: $why\n" : "$request->{directory}: $why\n");
    POSIX::_exit(127);
}

sub start {
    my ($connection) = @_;
    my ($stdin_reader, $stdin) = pipe_pair();
    my ($stdout, $stdout_writer) = pipe_pair();
    my ($stderr, $stderr_writer) = pipe_pair();
    my $pid = fork();
    die "lab: fork: $!\n" if !defined $pid;
    become($connection, $stdin_reader, $stdout_writer, $stderr_writer) if $pid == 0;
    $_->blocking(0) for $stdin, $stdout, $stderr;
    @$connection{qw(pid stdin outputs)} = ($pid, $stdin, { O => $stdout, R => $stderr });
}

my %on_frame = (
    T => sub { $_[0]{trusted} = $_[1] eq $token },
    A => sub { push @{ $_[0]{argv} }, $_[1] },
    E => sub { push @{ $_[0]{environment} }, $_[1] },
    D => sub { $_[0]{directory} = $_[1] },
    G => sub { start($_[0]) },
    I => sub { $_[0]{input} .= $_[1] },
    C => sub { $_[0]{input_ended} = 1 },
);

# Handles the whole frames in the buffer; false when they make no sense or the token is not ours.
sub take_frames {
    my ($connection) = @_;
    while (length $connection->{in} >= 5) {
        my ($type, $length) = unpack('a1 N', $connection->{in});
        last if length $connection->{in} < 5 + $length;
        my $payload = substr($connection->{in}, 5, $length);
        substr($connection->{in}, 0, 5 + $length, '');
        my $handler = $on_frame{$type} or return 0;
        return 0 if $type ne 'T' && !$connection->{trusted};
        $handler->($connection, $payload);
    }
    return 1;
}

sub drop {
    my ($connection) = @_;
    kill('KILL', -$connection->{pid}) if defined $connection->{pid} && !defined $connection->{status};
    delete $connections{ fileno($connection->{socket}) };
    close($connection->{socket});
}

sub read_output {
    my ($connection, $type) = @_;
    my $data = receive($connection->{outputs}{$type});
    return 0 if !defined $data;
    if ($data eq '') { delete $connection->{outputs}{$type}; return 0 }
    send_frame($connection, $type, $data);
    return 1;
}

# What a program wrote is in the pipes when it ends. Their end is not waited for: a daemon it left may hold them.
sub reap {
    while ((my $pid = waitpid(-1, WNOHANG)) > 0) {
        my $status = WIFSIGNALED($?) ? 128 + WTERMSIG($?) : WEXITSTATUS($?);
        my ($connection) = grep { defined $_->{pid} && $_->{pid} == $pid } values %connections;
        next if !$connection;
        for my $type (keys %{ $connection->{outputs} }) {
            while (read_output($connection, $type)) { }
        }
        $connection->{outputs} = {};
        $connection->{status} = $status;
        send_frame($connection, 'X', $status);
    }
}

sub feed_input {
    my ($connection) = @_;
    $connection->{input} = '' if !transmit($connection->{stdin}, \$connection->{input});
}

while (1) {
    my ($reading, $writing) = (IO::Select->new($listener), IO::Select->new);
    my %owner;    # file number of a handle => what to do when it is ready
    my $running = 0;
    for my $connection (values %connections) {
        my $socket = $connection->{socket};
        $running ||= defined $connection->{pid} && !defined $connection->{status};
        if (length $connection->{input} < $MAX_BUFFER) {
            $reading->add($socket);
            $owner{ fileno($socket) } = sub {
                my $data = receive($socket);
                return if !defined $data;
                $connection->{in} .= $data;
                drop($connection) if $data eq '' || !take_frames($connection);
            };
        }
        if (length $connection->{out} < $MAX_BUFFER) {
            for my $type (keys %{ $connection->{outputs} }) {
                my $handle = $connection->{outputs}{$type};
                $reading->add($handle);
                $owner{ fileno($handle) } = sub { read_output($connection, $type) };
            }
        }
        $writing->add($socket) if length $connection->{out};
        if (defined $connection->{stdin}) {
            if (length $connection->{input}) { $writing->add($connection->{stdin}) }
            elsif ($connection->{input_ended}) { delete $connection->{stdin} }
        }
    }
    # The end of a program may slip in just before select, which then does not see the signal: look again soon.
    my ($readable) = IO::Select->select($reading, $writing, undef, $running ? 0.05 : undef);
    for my $handle (@{ $readable || [] }) {
        if ($handle != $listener) { $owner{ fileno($handle) }->(); next }
        my $socket = $listener->accept or next;
        $socket->blocking(0);
        $connections{ fileno($socket) } =
            { socket => $socket, in => '', out => '', input => '', outputs => {}, directory => '/root' };
    }
    reap();
    for my $connection (values %connections) {
        feed_input($connection) if defined $connection->{stdin} && length $connection->{input};
        next if !length $connection->{out};
        if (!transmit($connection->{socket}, \$connection->{out})) { drop($connection) }
        elsif (defined $connection->{status} && !length $connection->{out}) { drop($connection) }
    }
}
