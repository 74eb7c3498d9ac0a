"""Writes constraints.json: what poetry-core says which versions a constraint
allows.

    pip install poetry-core && python constraints.py > constraints.json
"""

import json

import poetry.core
from poetry.core.constraints.version import Version, parse_constraint

CONSTRAINTS = """
*
x
X.*
*.*
1.x
^1.2.3
^1.2
^1
^0.2.3
^0.0.3
^0.0
^0
^0.0.0
^0.0.0.5
^1.2.3rc1
^1!1.2
^1.2.post1
^1.2.3+cpu
~1.2.3
~1.2
~1
~1.2.3b1
~0
~=1.2.3
~=1.2
~=1
~=1.2rc1
~=1.2.3.4
1.2.*
==1.2.*
!=1.2.*
1.*
!=1.*
1.2.3.*
==1.2.3.4.*
>=1.2.*
<2.0.*
1.2
==1.2
=1.2
==1.2.0
!=1.2
!=1.2.0
>1.2
>=1.2
<1.2
<=1.2
<2
<2.0rc1
>1.2.post1
<1.2.post1
==1.2.3+cpu
!=1.2.3+cpu
>=1.2.3+cpu
<=1.2.3+cpu
<1.2.3+cpu
>1.2.3+cpu
==1.2.3
!=1.2.3
>1.2.3
<1.2.3
<=1.2.3
>=1,<2
>=1 <2
>=1, <2
>= 1 , < 2
> 1.0
>=1,<2,!=1.2.3
>=1.0,<1.2 || >=1.3,<2
<1.2|>1.3
^1.2 || ^2
~1.2 || ~2.0 || 3
^1.2,!=1.2.3
1.2 || 1.3
!=1.2.3,!=1.2.4
>2,<1
v1.2
^v1.2
>=1.2,
1.2-1
1.2.3-beta1
>=1.2.3.dev1
<1.2.3.dev1
>=2024.1.1
~2.7 || ^3.5
>=2.7, !=3.0.*, !=3.1.*, !=3.2.*, !=3.3.*, !=3.4.*, <4
>=3.7.1,<4.0.0 || >4.0

latest
1.2 - 1.3
=>1
^
~
1..2
>=1||
>=1.2.x
===1.2
==*
>=*
,>=1
>=1,,<2
""".strip().split("\n")

VERSIONS = """
0 0.0.0.4 0.0.0.5 0.0.0.6 0.0.1 0.0.3 0.0.4 0.0.5 0.1 0.2.3 0.2.9 0.3.0.dev1 0.3 0.9 1.0.dev0 1.0a1 1 1.0.post1
1.0+local 1.1.9 1.2.dev0 1.2.dev1 1.2a1 1.2rc1 1.2 1.2.0 1.2+cpu 1.2.post1 1.2.post1.dev1 1.2.post2 1.2.1 1.2.3.dev1
1.2.3b1 1.2.3rc1 1.2.3 1.2.3+cpu 1.2.3+cuda 1.2.3.post1 1.2.3.4 1.2.3.4.5 1.2.3.5 1.2.4.dev0 1.2.4 1.2.9 1.3.dev0
1.3a1 1.3 1.3.1 1.9 1.9.9 2.0.dev0 2.0a1 2.0rc1 2.0rc2 2 2.0.0 2.0+cpu 2.0.post1 2.1 2.6 2.7 2.7.18 2.9 3 3.0.1 3.3.9
3.4 3.5 3.7.0 3.7.1 3.12.4 4 4.0.0 4.0.1 5 2024.1.1 1!1.2 1!1.9 1!2
""".split()


def answer(text):
    try:
        constraint = parse_constraint(text)
    except ValueError as e:
        return {"constraint": text, "error": type(e).__name__}
    return {"constraint": text, "allows": [v for v in VERSIONS if constraint.allows(Version.parse(v))]}


print(f'{{"tool": "poetry-core {poetry.core.__version__}",\n"versions": {json.dumps(VERSIONS)},\n"constraints": [')
print(",\n".join(json.dumps(answer(text)) for text in CONSTRAINTS))
print("]}")
