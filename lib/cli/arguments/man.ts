import { ALL, COMMANDS, formsOf, type Option } from "./options.ts";

/** When the words of the page were last changed. */
const DATE = "November 25, 2026";

/** The manual page, in the language of mdoc(7). */
export function manualPage(): string {
  return `.Dd ${DATE}
.Dt FERRY 1
.Os
.Sh NAME
.Nm ferry
.Nd send files from one machine to another over UDP
.Sh SYNOPSIS
.Nm
.Cm receive
.Op Ar PORT
.Op Fl o Ar FILE | Fl d Ar DIR
.Op options
.Nm
.Cm send
.Ar HOST
.Op Ar PORT
.Op Ar PATH ...
.Op options
.Nm
.Cm send
.Fl -near | Fl -meet Ar HOST
.Op Ar PATH ...
.Op options
.Nm
.Cm meet
.Op Ar PORT
.Op options
.Sh DESCRIPTION
.Nm
sends files, directories and streams of bytes from one machine to another over
UDP.
First start
.Nm
.Cm receive
on the machine where the files should go, then
.Nm
.Cm send
on the machine where they are.
.Cm send
succeeds only when the receiver has stored every byte and verified its SHA-256.
A transfer that broke off is resumed when both commands are run again.
.Pp
Everything is encrypted.
With
.Fl -code
each side proves to the other that it knows the same code.
Without a code both sides show three session words, which are the same on both
unless somebody is in between, and ask before anything is sent or saved.
.Pp
A receiver with a code needs no address on the local network:
.Cm send Fl -near
asks there for the number of the code, and finds it.
From outside, a router that knows PCP or NAT-PMP lets senders in while
.Cm receive Fl -map
runs.
.Pp
.Ar HOST
is a name or an address, and
.Ar PORT
is 5000 unless given.
Without a
.Ar PATH ,
or with
.Sq -
as the only one,
.Cm send
sends standard input.
.Cm receive
saves under the name that the sender gives, in the current directory or in
.Ar DIR .
If its standard output is not a terminal, and there is neither
.Fl o
nor
.Fl d ,
it writes there.
.Pp
The commands are:
.Bl -tag -width completions
${Object.entries(COMMANDS).map(commandItem).join("\n")}
.El
.Ss Options of receive
${optionList("receive")}
.Ss Options of send
${optionList("send")}
.Ss Options of both
${optionList(undefined)}
.Ss Options of meet
${optionList("meet")}
.Ss Options of help
${optionList("help")}
.Sh ENVIRONMENT
.Bl -tag -width FERRY_TOKEN
.It Ev FERRY_CODE
The code, as with
.Fl -code Ns = Ns Ar CODE .
.It Ev FERRY_TOKEN
The token of a meeting point, as with
.Fl -token .
.It Ev NO_COLOR
If it is set and not empty, there are no colours.
.It Ev XDG_STATE_HOME
Where
.Pa ferry/attempt-key
is kept, by which receivers know a sender again that resumes a transfer; without
it,
.Pa ~/.local/state .
.El
.Sh EXIT STATUS
.Bl -tag -width 130
.It 0
Done: every byte is stored and verified.
.It 1
The transfer failed.
.It 2
Wrong usage, or something that cannot be sent or reached.
.It 3
The other side refused or declined, or is busy, or a code is wrong.
.It 130
Interrupted by Ctrl-C; 128 + n by signal n.
.El
.Sh EXAMPLES
Send a directory and a file, with a code that the receiver makes up:
.Bd -literal -offset indent
B$ ferry receive --code
A$ FERRY_CODE=17-walnut-copper ferry send b.example photos/ notes.txt
.Ed
.Pp
Send what a program writes:
.Bd -literal -offset indent
B$ ferry receive > dump.sql
A$ pg_dump shop | ferry send b.example
.Ed
`;
}

function commandItem([name, help]: [string, string]): string {
  return `.It Cm ${name}\n${sentence(help)}`;
}

/** The options that only this command takes, or that `send` and `receive` have in common. */
function optionList(only: Option["only"]): string {
  const items = ALL.filter((option) => option.only === only).map(optionItem);
  return [".Bl -tag -width Ds", ...items, ".El"].join("\n");
}

function optionItem(option: Option): string {
  const { value, optional = false, help } = option;
  const forms = formsOf(option).map((form) => `Fl ${form.slice(1)}`);
  const argument = value === undefined
    ? ""
    : optional
    ? ` Ns Op = Ns Ar ${value}`
    : ` Ar ${value}`;
  return `.It ${forms.join(" , ")}${argument}\n${sentence(help)}`;
}

/** A line of the help as a sentence. */
function sentence(help: string): string {
  const words = help[0]!.toUpperCase() + help.slice(1);
  return `${words.replaceAll("\\", "\\e").replace(/^[.']/, "\\&$&")}.`;
}
