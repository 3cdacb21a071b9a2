"""A plain reading of C++ as this project formats it: which types a file defines, and how long its functions are."""
import re

NOT_FUNCTIONS = re.compile(r"\b(namespace|class|struct|enum|union|extern)\b")
RAW_STRING = re.compile(r'R"([^(\s]*)\(.*?\)\1"', re.S)
# Raw strings are dealt with first; then comments, strings and characters, whichever begins first.
TOKENS = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])+\'', re.S)
PREPROCESSOR = re.compile(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", re.M)


def blank(match):
    return re.sub(r"[^\n]", " ", match.group(0))


def code_of(text):
    """The text with comments, strings and preprocessor lines blanked, line by line in place."""
    return PREPROCESSOR.sub(blank, TOKENS.sub(blank, RAW_STRING.sub(blank, text)))


def blocks(code):
    """(head, first line, last line, depth of types and namespaces only?) of every outermost block that is no namespace or type."""
    line, head, head_line = 1, "", 1
    outer = []  # open namespaces and types
    inside, begin, opening = 0, 0, ""
    for character in code:
        if inside:
            if character == "{":
                inside += 1
            elif character == "}":
                inside -= 1
                if inside == 0:
                    yield opening, begin, line
                    head = ""
        elif character == "{":
            if NOT_FUNCTIONS.search(head) and not head.rstrip().endswith(")"):
                outer.append(head)
                head = ""
            else:
                inside, begin, opening = 1, head_line, head
        elif character == "}":
            if outer:
                outer.pop()
            head = ""
        elif character == ";":
            head = ""
        else:
            if not head.strip():
                head_line = line
            head += character
        if character == "\n":
            line += 1


def functions(text):
    """(name, number of lines) of every function that the text defines; a function's head counts."""
    for head, first, last in blocks(code_of(text)):
        name = re.search(r"([~\w:]+|operator\S+)\s*\(", head)
        if name:
            yield name.group(1), last - first + 1


def types(text):
    """Names of the classes, structures and enumerations that the text defines outside of functions and of other types."""
    return re.findall(r"^(?:template <[^\n]*>\n)?(?:class|struct|enum class|enum) (\w+)(?: final)?(?: :[^;{]*)? \{", code_of(text), re.M)
