"""Prints name, message and place of each failed test in the result files (*.trx) of a directory."""
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

TRX = "{http://microsoft.com/schemas/VisualStudio/TeamTest/2010}"
for results in sorted(pathlib.Path(sys.argv[1]).glob("*.trx")):
    for test in ElementTree.parse(results).iter(TRX + "UnitTestResult"):
        if test.get("outcome") == "Failed":
            print(f"FAILED {test.get('testName')} ({results.stem}, {test.get('duration')})")
            print("    " + (test.findtext(f".//{TRX}Message") or "no message").strip().replace("\n", "\n    "))
            places = [line.strip() for line in test.findtext(f".//{TRX}StackTrace", "").splitlines() if ":line " in line]
            print("    " + (places[0] if places else "no place in the project's sources"))
