"""What agents can call: typed functions, smolagents tools, MCP servers."""

from __future__ import annotations

from agentnb.tools.expand import aexpand_tools, expand_tools
from agentnb.tools.functions import as_tool, tool
from agentnb.tools.mcp_server import MCPServer
from agentnb.tools.port import Tool

__all__ = ["MCPServer", "Tool", "aexpand_tools", "as_tool", "expand_tools", "tool"]
